import { describe, expect, it } from 'vitest'
import { type SipTextParts, sipText } from '../../../test/builders/sip-text.ts'
import { parseCseq } from './cseq.ts'
import { parseDigestAuthorization } from './digest.ts'
import { SipFramer } from './framer.ts'
import { headerOf } from './message.ts'
import { parseNameAddr } from './name-addr.ts'
import { parseOptionTags } from './option-tags.ts'
import { parseSipMessage } from './parse-message.ts'
import { checkRequest } from './required-headers.ts'
import { parseSipUri } from './sip-uri.ts'

// The points that RFC 4475 §3.1.2 to §3.4 make, with messages of our own: what is wrong, and what is right for parsers but asks for something that is not there.
// What the server makes of the latter (405, 415, 420, 481) is tested in src/edges/sip.

/** What becomes of a message: the status of its refusal, `taken`, or `dropped` for a response that is none. */
const verdict = (parts: SipTextParts): number | 'taken' | 'dropped' => {
  const parsed = parseSipMessage(sipText(parts))
  if (parsed.kind === 'refusal') return parsed.method === undefined ? 'dropped' : parsed.status
  if (parsed.kind === 'response') return parseCseq(headerOf(parsed, 'CSeq') ?? '') ? 'taken' : 'dropped'
  return checkRequest(parsed)?.status ?? 'taken'
}

const CASES: readonly (readonly [
  section: string,
  what: string,
  outcome: ReturnType<typeof verdict>,
  parts: SipTextParts,
])[] = [
  ['3.1.2.1', 'separators with nothing between them', 400, { fields: { Via: 'SIP/2.0/UDP 198.51.100.7;;,;,,' } }],
  ['3.1.2.2', 'a Content-Length beyond the end', 400, { fields: { 'Content-Length': '4711' }, body: 'v=0' }],
  ['3.1.2.3', 'a negative Content-Length', 400, { fields: { 'Content-Length': '-3' }, body: 'v=0' }],
  ['3.1.2.3', 'a Content-Length in words', 400, { fields: { 'Content-Length': 'three' }, body: 'v=0' }],
  ['3.1.2.4', 'a CSeq beyond its range', 400, { fields: { CSeq: '99999999999999999999 INVITE' } }],
  ['3.1.2.4', 'a Max-Forwards beyond its range', 400, { fields: { 'Max-Forwards': '256' } }],
  ['3.1.2.4', 'an Expires beyond its range, which nobody reads', 'taken', { fields: { Expires: '9'.repeat(100) } }],
  [
    '3.1.2.5',
    'a response with a CSeq beyond its range',
    'dropped',
    { start: 'SIP/2.0 503 Busy', fields: { CSeq: '99999999999999999999 INVITE' } },
  ],
  [
    '3.1.2.5',
    'a response with other numbers beyond theirs',
    'taken',
    { start: 'SIP/2.0 503 Busy', fields: { 'Retry-After': '9'.repeat(30), Warning: '4711 a "b"' } },
  ],
  ['3.1.2.6', 'a quotation that never ends', 400, { fields: { To: '"Mr. V. Poulsen <sip:rec@tone.example.net>' } }],
  ['3.1.2.7', 'brackets about the Request-URI', 400, { start: 'INVITE <sip:rec@tone.example.net> SIP/2.0' }],
  ['3.1.2.8', 'white space in the Request-URI', 400, { start: 'INVITE sip:rec@tone.example.net; gauge SIP/2.0' }],
  [
    '3.1.2.9',
    'more than one space in the first line',
    'taken',
    { start: 'INVITE   sip:rec@tone.example.net  SIP/2.0' },
  ],
  ['3.1.2.10', 'spaces behind the first line', 'taken', { start: 'INVITE sip:rec@tone.example.net SIP/2.0   ' }],
  [
    '3.1.2.11',
    'header fields in the Request-URI',
    'taken',
    { start: 'INVITE sip:rec@tone.example.net?Route=%3Csip:h%3E SIP/2.0' },
  ],
  [
    '3.1.2.12',
    'a date of another time zone, which nobody reads',
    'taken',
    { fields: { Date: 'Sat, 15 Dec 1900 10:00:00 CET' } },
  ],
  [
    '3.1.2.13',
    'a Contact that lacks its brackets',
    'taken',
    { fields: { Contact: 'sip:a@h.example?Route=%3Csip:h%3E' } },
  ],
  ['3.1.2.14', 'spaces within the brackets', 'taken', { fields: { To: '"Drum, Steel" < sip:rec@tone.example.net >' } }],
  [
    '3.1.2.15',
    'a display name that should be quoted',
    'taken',
    { fields: { From: 'Poulsen, V. <sip:vp@lab.example.org>;tag=4' } },
  ],
  [
    '3.1.2.16',
    'another version of SIP',
    505,
    { start: 'INVITE sip:rec@tone.example.net SIP/3.1', fields: { Via: 'SIP/3.1/UDP h;branch=z9hG4bK1' } },
  ],
  ['3.1.2.17', 'a CSeq of another method', 400, { fields: { CSeq: '17 OPTIONS' } }],
  ['3.1.2.18', 'the same with a method that nobody knows', 400, { start: 'RECORD sip:rec@tone.example.net SIP/2.0' }],
  ['3.1.2.19', 'a status beyond its range', 'dropped', { start: 'SIP/2.0 4294967496 far too much' }],
  ['3.1.2.19', 'the least status beyond its range', 'dropped', { start: 'SIP/2.0 700 seven' }],
  [
    '3.2.1',
    'a branch that is nothing but the cookie',
    'taken',
    { fields: { Via: 'SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK' } },
  ],
  ['3.3.1', 'no Call-ID, From or To', 400, { fields: { 'Call-ID': undefined, From: undefined, To: undefined } }],
  [
    '3.3.2',
    'a Request-URI of a scheme that nobody knows',
    416,
    { start: 'INVITE telegraphone:wire?gauge=thin SIP/2.0' },
  ],
  ['3.3.3', 'one of a scheme that is no call', 416, { start: 'INVITE https://tone.example.net/rec SIP/2.0' }],
  [
    '3.3.4',
    'other schemes in To, From and Contact',
    'taken',
    { fields: { To: 'urn:isbn:0', From: '<https://h.example>;tag=5', Contact: '<mailto:a@h>' } },
  ],
  ['3.3.5', 'extensions that nobody has', 'taken', { fields: { Require: 'wire, drum', 'Proxy-Require': 'tape' } }],
  [
    '3.3.6',
    'a body of an unknown type',
    'taken',
    { fields: { 'Content-Type': 'application/x-wire' }, body: '<wire/>' },
  ],
  ['3.3.8', 'two Call-IDs', 400, { fields: { 'Call-ID': ['a@h', 'b@h'] } }],
  ['3.3.8', 'two CSeqs', 400, { fields: { CSeq: ['17 INVITE', '18 INVITE'] } }],
  ['3.3.8', 'two Froms', 400, { fields: { From: ['<sip:a@h>;tag=1', '<sip:b@h>;tag=2'] } }],
  ['3.3.8', 'two Tos', 400, { fields: { To: ['<sip:a@h>', '<sip:b@h>'] } }],
  ['3.3.8', 'two Max-Forwards', 400, { fields: { 'Max-Forwards': ['70', '5'] } }],
  ['3.3.9', 'two Content-Lengths', 400, { fields: { 'Content-Length': ['3', '1'] }, body: 'abc' }],
  [
    '3.3.10',
    'a response that came by way of everybody',
    'taken',
    { start: 'SIP/2.0 200 OK', fields: { Via: ['SIP/2.0/UDP 198.51.100.7', 'SIP/2.0/UDP 255.255.255.255'] } },
  ],
  ['3.3.11', 'no forwards left: the end is reached', 'taken', { fields: { 'Max-Forwards': '0' } }],
  ['3.3.15', 'an answer of an unknown type is asked for', 'taken', { fields: { Accept: 'text/x-wire' } }],
  [
    '3.4.1',
    'what RFC 2543 allowed: no branch, no tag, no Max-Forwards',
    'taken',
    {
      fields: {
        Via: 'SIP/2.0/UDP gw.example.org',
        From: '<sip:+4512345678@gw.example.org;user=phone>',
        'Max-Forwards': undefined,
      },
    },
  ],
]

describe('what is wrong, or asks for what is not there (RFC 4475 §3.1.2 to §3.4)', () => {
  it.each(CASES)('§%s: %s → %s', (_section, _what, outcome, parts) => {
    expect(verdict(parts)).toBe(outcome)
  })

  it('§3.1.2.2: on a stream, more is waited for', () => {
    const framer = new SipFramer()
    expect(framer.append(sipText({ fields: { 'Content-Length': '4711' }, body: 'v=0' }))).toEqual([])
    expect(framer.bufferedBytes).toBeGreaterThan(0)
  })

  it.each([
    ['3.1.2.3', '-3'],
    ['3.1.2.3', 'three'],
    ['3.3.9', ['3', '1']],
  ])('§%s: on a stream, nothing more can be read behind a Content-Length of %s', (_section, length) => {
    const frames = new SipFramer().append(sipText({ fields: { 'Content-Length': length }, body: 'v=0' }))
    expect(frames).toMatchObject([{ kind: 'refusal', isFatal: true, refusal: { status: 400, method: 'INVITE' } }])
  })

  it('§3.1.2.11, §3.1.2.13, §3.3.14: header fields in a URI are left alone', () => {
    expect(parseSipUri('sip:rec@tone.example.net;a=b?Route=%3Csip:h%3E')).toMatchObject({
      user: 'rec',
      host: 'tone.example.net',
    })
    expect(parseNameAddr('sip:a@h.example?Route=%3Csip:h%3E')?.uri).toBe('sip:a@h.example?Route=%3Csip:h%3E')
    expect(parseNameAddr('<sip:a@h.example?Route=%3Csip:h%3E>')?.uri).toBe('sip:a@h.example?Route=%3Csip:h%3E')
  })

  it('§3.1.2.14, §3.1.2.15: what can be understood is', () => {
    expect(parseNameAddr('"Drum, Steel" < sip:rec@tone.example.net >')?.uri).toBe('sip:rec@tone.example.net')
    expect(parseNameAddr('Poulsen, V. <sip:vp@lab.example.org>;tag=4')).toMatchObject({
      displayName: 'Poulsen, V.',
      uri: 'sip:vp@lab.example.org',
    })
  })

  it('§3.1.2.16: the answer to another version can be given', () => {
    const refusal = parseSipMessage(sipText({ start: 'OPTIONS sip:rec@tone.example.net SIP/3.1' }))
    expect(refusal).toMatchObject({ kind: 'refusal', status: 505, method: 'OPTIONS' })
    expect(headerOf(refusal, 'Call-ID')).toBe('wire.1@198.51.100.7')
  })

  it('§3.3.5: the extensions are told one by one', () => {
    expect(parseOptionTags('wire, drum ,tape')).toEqual(['wire', 'drum', 'tape'])
  })

  it('§3.3.7: another scheme of authorization is no Digest', () => {
    expect(parseDigestAuthorization('Handshake secret=here')).toBeUndefined()
  })

  it('§3.3.12, §3.3.13: parameters belong to the field without brackets, and to the URI within', () => {
    const [bare, bracketed] = ['sip:a@h.example;odd', '<sip:a@h.example;odd>'].map(parseNameAddr)
    expect([bare?.uri, bare?.parameters.has('odd')]).toEqual(['sip:a@h.example', true])
    expect([bracketed?.uri, bracketed?.parameters.has('odd')]).toEqual(['sip:a@h.example;odd', false])
  })
})
