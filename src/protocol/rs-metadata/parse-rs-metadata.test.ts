import { describe, expect, it } from 'vitest'
import {
  aCallBetweenTwo,
  aParticipant,
  aSession,
  aStream,
  CALL,
  contributes,
  rsId,
  rsXml,
  takesPart,
} from '../../../test/builders/rs-metadata.ts'
import { ITEMS_MAX, parseRsMetadata, RS_METADATA_BYTES_MAX } from './parse-rs-metadata.ts'
import { ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, FAULTS_MAX } from './read-xml.ts'
import type { RsDocument } from './rs-document.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'))

const document = (source: Uint8Array | string): RsDocument => {
  const parsed = parseRsMetadata(typeof source === 'string' ? bytes(source) : source)
  if ('reason' in parsed) throw new Error(parsed.reason)
  return parsed
}
const reasonOf = (source: Uint8Array | string): string => {
  const parsed = parseRsMetadata(typeof source === 'string' ? bytes(source) : source)
  return 'reason' in parsed ? parsed.reason : 'none'
}
const NS = 'xmlns="urn:ietf:params:xml:ns:recording:1"'
const withIn = (inside: string) => `<recording ${NS}>${inside}</recording>`

describe('parseRsMetadata', () => {
  it('reads a call of two (RFC 7865 §6)', () => {
    const start = Date.UTC(2026, 10, 20, 9)
    const both = { associatedAtMs: start, disassociatedAtMs: undefined }
    expect(document(rsXml(aCallBetweenTwo()))).toEqual({
      dataMode: 'complete',
      groups: [{ id: CALL.group, ...both }],
      sessions: [
        {
          id: CALL.session,
          groupId: CALL.group,
          sipSessionIds: [],
          reason: undefined,
          startedAtMs: start,
          stoppedAtMs: undefined,
        },
      ],
      participants: [
        { id: CALL.caller, nameIds: [{ aor: 'sip:anna@example.com', name: 'Anna' }] },
        { id: CALL.callee, nameIds: [{ aor: 'sip:bert@example.com', name: 'Bert' }] },
      ],
      streams: [
        { id: CALL.fromCaller, sessionId: CALL.session, label: '96', startedAtMs: undefined },
        { id: CALL.fromCallee, sessionId: CALL.session, label: '97', startedAtMs: undefined },
      ],
      sessionRecordingAssociations: [{ sessionId: CALL.session, ...both }],
      participantSessionAssociations: [
        { participantId: CALL.caller, sessionId: CALL.session, params: [], ...both },
        { participantId: CALL.callee, sessionId: CALL.session, params: [], ...both },
      ],
      participantStreamAssociations: [
        { participantId: CALL.caller, send: [CALL.fromCaller], recv: [CALL.fromCallee], ...both },
        { participantId: CALL.callee, send: [CALL.fromCallee], recv: [CALL.fromCaller], ...both },
      ],
      problems: [],
    })
  })

  it('reads all that a session, a stream and an association may say', () => {
    const parsed = document(
      rsXml([
        aSession(
          rsId(1),
          '<sipSessionID>f00d;\r\n  remote=beef</sipSessionID><sipSessionID>cafe;remote=d00d</sipSessionID>' +
            '<reason cause="486">Busy "Here"</reason><reason cause="16" protocol="Q.850"/><reason>gone</reason><start-time>2026-11-20T10:00:00.250+01:00</start-time>' +
            '<stop-time>2026-11-20T09:00:01z</stop-time>',
        ),
        aParticipant(rsId(2), 'tel:+4530123456', 'Ægir &amp; S&#xf8;n'),
        '<participant participant_id="x"><nameID aor="sip:x@example.com"/><nameID aor="tel:+45"><name>X</name></nameID></participant>',
        `<stream stream_id="${rsId(3)}" session_id="${rsId(1)}"><label>1</label></stream>`,
        takesPart(rsId(2), rsId(1), { to: '2026-11-20T09:00:00Z' }, '<param pname="isfocus" pval="true"/>'),
      ]),
    )
    expect(parsed.sessions[0]).toMatchObject({
      sipSessionIds: ['f00d;remote=beef', 'cafe;remote=d00d'],
      reason: 'SIP;cause=486;text="Busy \\"Here\\"", Q.850;cause=16, gone',
      startedAtMs: Date.UTC(2026, 10, 20, 9, 0, 0, 250),
      stoppedAtMs: Date.UTC(2026, 10, 20, 9, 0, 1),
    })
    expect(parsed.participants.map(({ nameIds }) => nameIds)).toEqual([
      [{ aor: 'tel:+4530123456', name: 'Ægir & Søn' }],
      [
        { aor: 'sip:x@example.com', name: undefined },
        { aor: 'tel:+45', name: 'X' },
      ],
    ])
    expect(parsed.streams[0]).toMatchObject({ sessionId: rsId(1), label: '1' })
    expect(parsed.participantSessionAssociations[0]).toMatchObject({
      associatedAtMs: undefined,
      disassociatedAtMs: Date.UTC(2026, 10, 20, 9),
      params: [{ name: 'isfocus', value: 'true' }],
    })
  })

  it.each([
    ['complete, when nothing is said (RFC 7865 §5.1.2)', '', 'complete', 0],
    ['partial', '<datamode>partial</datamode>', 'partial', 0],
    ['in another case', '<dataMode> Partial\n</dataMode>', 'partial', 0],
    ['of no kind', '<datamode>sketch</datamode>', 'complete', 1],
  ])('has a data mode: %s', (_what, element, mode, problems) => {
    const parsed = document(withIn(element))
    expect([parsed.dataMode, parsed.problems.length]).toEqual([mode, problems])
  })

  it.each([
    ['no namespace', '<recording><session session_id="s"/></recording>'],
    ['a prefix', '<r:recording xmlns:r="urn:ietf:params:xml:ns:recording:1"><r:session session_id="s"/></r:recording>'],
    ['the namespace of drafts', '<recording xmlns="urn:ietf:params:xml:ns:recording"><session id="s"/></recording>'],
    ['names in another case', `<Recording ${NS}><Session Session_ID="s"/></Recording>`],
    ['elements of a vendor', withIn('<v:session xmlns:v="urn:v" session_id="other"/><session session_id="s"/>')],
    ['a prefix that stands for nothing', withIn('<session session_id="s"><v:x v:y="1"/></session>')],
    ['a prefix everywhere that stands for nothing', '<r:recording><r:session session_id="s"/></r:recording>'],
    ['an attribute without quotes', withIn('<session session_id="s"><header label=Diversion>x</header></session>')],
    ['line ends before it, a zero byte behind it', `\r\n\r\n${withIn('<session session_id="s"/>')}\r\n\0`],
    ['an id in lines', withIn('<session session_id="\n s\n "/>')],
    ['elements that are not known', withIn('<session session_id="s"><call/></session><calldata><a/></calldata>')],
  ])('tolerates %s', (_what, text) => {
    expect(document(text)).toMatchObject({ sessions: [{ id: 's' }], problems: [] })
  })

  it('leaves out the data of vendors, whatever is in it', () => {
    const inside =
      '<extensiondata xmlns:v="urn:v"><v:ucid>00FA</v:ucid><v:label>9</v:label></extensiondata>' +
      '<v:label xmlns:v="urn:v"><label>8</label></v:label><w:label>7</w:label><label>1</label>'
    expect(document(withIn(`<stream stream_id="x">${inside}</stream>`)).streams[0]?.label).toBe('1')
  })

  it('reads drafts, in which participants name their session and streams', () => {
    const parsed = document(
      '<recording xmlns="urn:ietf:params:xml:ns:recording"><dataMode>complete</dataMode>' +
        '<session id="urn:uuid:a"><associate-time>2026-11-20T09:00:00</associate-time></session>' +
        '<participant id="urn:uuid:b" session="urn:uuid:a"><aor>sip:b@example.com</aor><name>B </name>' +
        '<send>urn:uuid:c</send><associate-time>2026-11-20T09:00:01</associate-time></participant>' +
        '<participant id="urn:uuid:d" session="urn:uuid:a"><nameID aor="sip:d@example.com"/></participant>' +
        '<stream id="urn:uuid:c" session="urn:uuid:a"><mode>separate</mode><label>1</label>' +
        '<start-time>2026-11-20T09:00:02</start-time></stream></recording>',
    )
    const at = Date.UTC(2026, 10, 20, 9, 0, 1)
    expect(parsed).toMatchObject({
      sessions: [{ id: 'urn:uuid:a', startedAtMs: at - 1000 }],
      participants: [
        { id: 'urn:uuid:b', nameIds: [{ aor: 'sip:b@example.com', name: 'B' }] },
        { id: 'urn:uuid:d', nameIds: [{ aor: 'sip:d@example.com', name: undefined }] },
      ],
      streams: [{ id: 'urn:uuid:c', sessionId: 'urn:uuid:a', label: '1', startedAtMs: at + 1000 }],
      participantSessionAssociations: [
        { participantId: 'urn:uuid:b', sessionId: 'urn:uuid:a', associatedAtMs: at },
        { participantId: 'urn:uuid:d', sessionId: 'urn:uuid:a', associatedAtMs: undefined },
      ],
      participantStreamAssociations: [{ participantId: 'urn:uuid:b', send: ['urn:uuid:c'], recv: [] }],
      problems: [],
    })
  })

  it('takes what is said as the standard says it before what is said as in drafts', () => {
    const text = `<participant participant_id="p" session_id="s"><send>old</send></participant>${takesPart('p', 't')}${contributes('p', { send: ['new'] })}`
    const parsed = document(withIn(text))
    expect(parsed.participantStreamAssociations.map(({ send }) => send)).toEqual([['new']])
    expect(parsed.participantSessionAssociations.map(({ sessionId }) => sessionId)).toEqual(['t'])
  })

  it('notes what it leaves out, each once', () => {
    const inside = [
      '<session/>',
      '<stream stream_id=" "/>',
      '<stream stream_id=""/>',
      `<group group_id="${'g'.repeat(200)}"/>`,
      '<participantsessionassoc participant_id="p"/>',
      '<participantstreamassoc/>',
      '<sessionrecordingassoc/>',
      '<session session_id="s"><start-time>yesterday</start-time></session>',
    ]
    const { problems, ...parsed } = document(withIn(inside.join('')))
    expect(problems).toEqual([
      'a group without a usable id',
      'a session without a usable id',
      'not a time: yesterday',
      'a stream without a usable id',
      'a participantsessionassoc that does not say of what',
      'a participantstreamassoc that does not say of what',
      'a sessionrecordingassoc that does not say of what',
    ])
    expect(parsed).toMatchObject({ groups: [], sessions: [{ id: 's', startedAtMs: undefined }], streams: [] })
  })

  it.each([
    ['Z', '2026-11-20T09:00:00Z'],
    ['an offset', '2026-11-20T10:30:00+01:30'],
    ['an offset without a colon', '2026-11-20T04:00:00-0500'],
    ['no zone', '2026-11-20T09:00:00'],
    ['a fraction', '2026-11-20T09:00:00.000000Z'],
  ])('reads times with %s (RFC 7865 §6.9)', (_what, time) => {
    const { sessions } = document(withIn(aSession('s', `<start-time>${time}</start-time>`)))
    expect(sessions[0]?.startedAtMs).toBe(Date.UTC(2026, 10, 20, 9))
  })
})

describe('encodings', () => {
  const text = (encoding: string | undefined) =>
    `${encoding === undefined ? '' : `<?xml version="1.0" encoding="${encoding}"?>`}${withIn(aParticipant('p', 'sip:p@example.com', 'Søren'))}`
  it.each([
    ['UTF-8', bytes(text(undefined))],
    ['UTF-8 with a mark', bytes(`\ufeff${text('UTF-8')}`)],
    ['ASCII that is UTF-8', bytes(text('us-ascii'))],
    ['UTF-8 that says UTF-16', bytes(text('utf-16'))],
    ['Latin-1', latin1(text('ISO-8859-1'))],
    ['UTF-16 with a mark', utf16(`\ufeff${text('UTF-16')}`)],
    ['UTF-16 without', utf16(text('UTF-16'))],
    ['UTF-16, big end first, with a mark', new Uint8Array(Buffer.from(`\ufeff${text('UTF-16')}`, 'utf16le').swap16())],
    ['UTF-16, big end first', new Uint8Array(Buffer.from(text(undefined), 'utf16le').swap16())],
  ])('%s', (_what, source) => {
    expect(document(source)).toMatchObject({ participants: [{ nameIds: [{ name: 'Søren' }] }], problems: [] })
  })

  it('reads the rest when some bytes are no text, and notes it', () => {
    const parsed = document(latin1(text('UTF-8')))
    expect(parsed.participants[0]?.nameIds[0]?.name).toBe('S\ufffdren')
    expect(parsed.problems).toEqual(['not all bytes are text of its encoding'])
  })

  it('goes by the charset of its media type before its own words (RFC 7865 §5.1)', () => {
    const parsed = parseRsMetadata(latin1(text('UTF-8')), 'ISO-8859-1')
    expect(parsed).toMatchObject({ participants: [{ nameIds: [{ name: 'Søren' }] }], problems: [] })
    expect(parseRsMetadata(bytes(text('UTF-8')), 'of-our-own')).toMatchObject({ problems: [] })
  })

  it('refuses others', () => {
    expect(reasonOf(text('UTF-7'))).toBe('an encoding other than UTF-8, UTF-16 and Latin-1')
    expect(reasonOf(text('constructor'))).toBe('an encoding other than UTF-8, UTF-16 and Latin-1')
  })
})

describe('what is no metadata', () => {
  const laughs = ['<!DOCTYPE recording [', '<!ENTITY a "ha">']
  for (let level = 1; level < 10; level += 1)
    laughs.push(`<!ENTITY a${level} "${`&a${level === 1 ? '' : level - 1};`.repeat(10)}">`)
  laughs.push(']>', withIn('<session session_id="&a9;"/>'))

  it.each([
    ['a document type', `<!DOCTYPE recording>${withIn('')}`],
    ['a document type elsewhere', '<!DOCTYPE recording SYSTEM "http://127.0.0.1:9/x.dtd"><recording/>'],
    [
      'an external entity',
      `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${withIn('<group group_id="&x;"/>')}`,
    ],
    ['a bomb of entities', laughs.join('\n')],
  ])('refuses %s', (_what, text) => {
    expect(reasonOf(text)).toBe('a document type is not allowed')
    expect(reasonOf(utf16(text))).toBe('a document type is not allowed')
  })

  it.each([
    ['an entity of its own', withIn('<session session_id="&s;"/>'), /undefined entity/],
    ['an entity that is a property of objects', withIn('&constructor;'), /undefined entity/],
    ['a character that XML has not', withIn('&#0;'), /./],
    ['one that ends too soon', `<recording ${NS}><session session_id="s">`, /unclosed tag/],
    ['one cut off in a tag', `<recording ${NS}><session sess`, /./],
    ['one cut off in a document type', '<!DOCTYPE recording [', /./],
    ['tags in a knot', withIn('<a><b></a></b>'), /./],
    ['two documents', `${withIn('')}${withIn('')}`, /./],
    ['an attribute that is there twice', withIn('<session session_id="s" session_id="t"/>'), /duplicate attribute/],
    ['an SDP', 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n', /./],
    ['nothing', '', /^empty$/],
    ['blanks', ' \r\n', /^empty$/],
    ['another document', '<presence xmlns="urn:ietf:params:xml:ns:pidf"/>', /^the root element .*: presence$/],
    ['another recording', '<recording xmlns="urn:example:other"/>', /^the root element .*: recording$/],
    ['deep nesting', withIn('<a>'.repeat(DEPTH_MAX)), /^nested too deeply$/],
    ['deep nesting of strangers', withIn('<v:a xmlns:v="urn:v">'.repeat(DEPTH_MAX)), /^nested too deeply$/],
    ['many elements', withIn('<a/>'.repeat(ELEMENTS_MAX)), /^too many elements$/],
    ['many items', withIn('<stream stream_id="x"/>'.repeat(ITEMS_MAX + 1)), /^too many items$/],
    ['many streams of one', withIn(contributes('p', { send: Array(ITEMS_MAX).fill('s') })), /^too many items$/],
    [
      'ten thousand attributes',
      withIn(`<session ${Array.from({ length: 10_000 }, (_, index) => `a${index}="1"`).join(' ')}/>`),
      /^too many attributes$/,
    ],
    ['many prefixes that stand for nothing', withIn('<v:a/>'.repeat(FAULTS_MAX + 1)), /^too many faults$/],
    ['a long attribute', withIn(`<session session_id="${'s'.repeat(9000)}"/>`), /^an attribute is too long$/],
    ['too many bytes', withIn(' '.repeat(RS_METADATA_BYTES_MAX)), /^too large$/],
    ['300 KiB', new Uint8Array(300 * 1024).fill(0x3c), /^too large$/],
  ])('refuses %s', (_what, source, reason) => {
    expect(reasonOf(source)).toMatch(reason)
  })

  it('says why in one short line', () => {
    const reason = reasonOf(withIn(`</${'x\n'.repeat(1000)}>`))
    expect(reason.length).toBeLessThanOrEqual(160)
    expect(reason).not.toMatch(/[\r\n]/)
  })

  it('takes as much as it may be', () => {
    const attributes = Array.from({ length: ATTRIBUTES_MAX - 1 }, (_, index) => `a${index}="1"`).join(' ')
    const stream = aStream('s', 'x', 'y'.repeat(5000))
    const parsed = document(withIn(`<session session_id="s" ${attributes}/>${stream}${' '.repeat(200_000)}`))
    expect(parsed.sessions).toHaveLength(1)
    expect(parsed.streams[0]?.label).toHaveLength(4096)
  })
})
