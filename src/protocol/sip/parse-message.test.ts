import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSipMessage } from './format-message.ts'
import { headerOf, type SipMessage, type SipRefusal } from './message.ts'
import { parseSipMessage } from './parse-message.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parseSipMessage(bytes(text))
const request = (lines: readonly string[], body = '') => [...lines, '', body].join('\r\n')
const INVITE = [
  'INVITE sip:rec@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
  'From: <sip:a@127.0.0.1>;tag=1',
  'To: <sip:rec@127.0.0.1>',
  'Call-ID: c1',
  'CSeq: 1 INVITE',
]
const asMessage = (parsed: SipMessage | SipRefusal): SipMessage => {
  if (parsed.kind === 'refusal') throw new Error(parsed.reason)
  return parsed
}

describe('parseSipMessage', () => {
  it('reads a request', () => {
    const parsed = parse(request([...INVITE, 'Content-Length: 3'], 'abcdef'))
    expect(parsed).toMatchObject({ kind: 'request', method: 'INVITE', uri: 'sip:rec@127.0.0.1' })
    expect(new TextDecoder().decode(asMessage(parsed).body)).toBe('abc')
  })

  it('reads a response', () => {
    expect(parse(request(['SIP/2.0 180 Es klingelt', ...INVITE.slice(1)]))).toMatchObject({
      kind: 'response',
      status: 180,
      reason: 'Es klingelt',
    })
    expect(parse(request(['SIP/2.0 200 ', ...INVITE.slice(1)]))).toMatchObject({ status: 200, reason: '' })
  })

  it('is tolerant of line ends, folding, spaces, compact and odd names', () => {
    const odd = parse(
      [
        '\r\n\r\nINVITE  sip:x@h   SIP/2.0',
        'v :  SIP/2.0/UDP h',
        ' ;branch=1',
        'CALL-ID:c',
        'x-VENDOR-thing: 1',
        'l: 0',
        '',
        '',
      ].join('\n'),
    )
    const message = asMessage(odd)
    expect(headerOf(message, 'Via')).toBe('SIP/2.0/UDP h ;branch=1')
    expect(headerOf(message, 'Call-ID')).toBe('c')
    expect(headerOf(message, 'X-Vendor-Thing')).toBe('1')
    expect(headerOf(message, 'Content-Length')).toBe('0')
  })

  it('reads a display name that is no UTF-8 as Latin-1', () => {
    const latin = Uint8Array.from([...request(['BYE sip:a@b SIP/2.0', 'From: "M\u00fcller" <sip:m@h>'])], (character) =>
      character.charCodeAt(0),
    )
    expect(headerOf(asMessage(parseSipMessage(latin)), 'From')).toBe('"M\u00fcller" <sip:m@h>')
    const utf8 = parse(request(['BYE sip:a@b SIP/2.0', 'From: "M\u00fcller \u96fb" <sip:m@h>']))
    expect(headerOf(asMessage(utf8), 'From')).toBe('"M\u00fcller \u96fb" <sip:m@h>')
  })

  it('leaves out no header field behind many folded lines', () => {
    const folded = ['X: 1', ...Array(3000).fill(' y')]
    expect(parse(request([...INVITE, ...folded, 'Content-Length: 1'], 'abc'))).toMatchObject({ body: bytes('a') })
    expect(parse(request([...INVITE, ...folded, ...folded, 'Content-Length: many']))).toMatchObject({ status: 400 })
  })

  it('takes all that there is as the body when no length is said (RFC 3261 §18.3)', () => {
    expect(asMessage(parse(request(INVITE, 'all of it'))).body.length).toBe(9)
  })

  it.each([
    ['a body shorter than declared', request([...INVITE, 'Content-Length: 10'], 'abc'), 400],
    ['a length that is none', request([...INVITE, 'Content-Length: -3'], 'abc'), 400],
    ['two different lengths', request([...INVITE, 'Content-Length: 1', 'l: 2'], 'abc'), 400],
    ['a line without a colon', request([...INVITE, 'nonsense']), 400],
    ['a name with a space in it', request([...INVITE, 'A B: c']), 400],
    ['a URI in angle brackets', request(['INVITE <sip:rec@h> SIP/2.0', ...INVITE.slice(1)]), 400],
    ['a URI with a space', request(['INVITE sip:rec@h; a=b SIP/2.0', ...INVITE.slice(1)]), 400],
    ['another version', request(['INVITE sip:rec@h SIP/7.0', ...INVITE.slice(1)]), 505],
    ['a line that is too long', request([...INVITE, `X: ${'y'.repeat(9000)}`]), 413],
    ['ten thousand header fields', request([...INVITE, ...Array(10_000).fill('X: 1')]), 513],
    ['too many header fields', request([...INVITE, ...Array(300).fill('X: 1')]), 413],
    ['a message that is too large', request(INVITE, 'x'.repeat(70_000)), 513],
  ])('refuses %s', (_what, text, status) => {
    expect(parse(text)).toMatchObject({ kind: 'refusal', status })
  })

  it('keeps nothing of the memory that it was read from', () => {
    const datagram = Buffer.from(request([...INVITE, 'Content-Length: 3'], 'abc'))
    const { body } = asMessage(parseSipMessage(datagram))
    datagram.fill(0)
    expect(body).toEqual(bytes('abc'))
  })

  it('gives with a refusal what the answer needs', () => {
    const refusal = parse(request([...INVITE, 'nonsense'])) as SipRefusal
    expect(refusal.method).toBe('INVITE')
    expect(headerOf(refusal, 'Call-ID')).toBe('c1')
    expect(parse('garbage')).toMatchObject({ kind: 'refusal', method: undefined })
  })

  it('gives back what was formatted', () => {
    const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/)
    const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
    const rest = {
      headers: fc.array(fc.tuple(fc.constantFrom('Via', 'Call-ID', 'X-Test', 'To'), value)),
      body: fc.uint8Array({ maxLength: 200 }),
    }
    const request = fc.record({
      kind: fc.constant('request' as const),
      method: token,
      uri: fc.constant('sip:a@b'),
      ...rest,
    })
    const response = fc.record({
      kind: fc.constant('response' as const),
      status: fc.integer({ min: 100, max: 699 }),
      reason: fc.constantFrom('', 'OK', 'Ganz sch\u00f6n viel (%20)'),
      ...rest,
    })
    fc.assert(
      fc.property(fc.oneof(request, response), (sent: SipMessage) => {
        const parsed = asMessage(parseSipMessage(formatSipMessage(sent)))
        expect({ ...parsed, headers: parsed.headers.filter(([name]) => name !== 'Content-Length') }).toEqual({
          ...sent,
          body: new Uint8Array(sent.body),
        })
      }),
    )
  })

  it('never throws on any bytes, nor on mutations of a message', () => {
    const valid = bytes(request([...INVITE, 'Content-Length: 3'], 'abc'))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (any) => {
        parseSipMessage(any)
      }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(valid.length),
        (changes, cut) => {
          const mutated = valid.slice(0, cut)
          for (const [at, to] of changes) if (at < mutated.length) mutated[at] = to
          parseSipMessage(mutated)
        },
      ),
    )
  })

  it('joins folded lines in linear time', () => {
    const folded = (characters: number) =>
      bytes(request([...INVITE, `X-Long: ${'x'.repeat(characters)}`, ...Array(7_500).fill(' ')]))
    const leastMs = (datagram: Uint8Array) => {
      const rounds = Array.from({ length: 20 }, () => {
        const startedAt = performance.now()
        parseSipMessage(datagram)
        return performance.now() - startedAt
      })
      return Math.min(...rounds)
    }
    expect(headerOf(asMessage(parseSipMessage(folded(7_900))), 'X-Long')).toBe('x'.repeat(7_900))
    leastMs(folded(1))
    // About the same; it was ten times as long when every line copied all that came before it.
    expect(leastMs(folded(7_900))).toBeLessThan(4 * leastMs(folded(1)) + 1)
  })

  it('says the length once, whatever the fields say, and writes names in full', () => {
    const headers = [
      ['l', '9'],
      ['content-length', '8'],
      ['v', 'SIP/2.0/UDP h'],
    ] as const
    const written = formatSipMessage({ kind: 'response', status: 200, reason: 'OK', headers, body: bytes('ok') })
    expect(new TextDecoder().decode(written).split('\r\n')).toEqual([
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP h',
      'Content-Length: 2',
      '',
      'ok',
    ])
  })

  it('lets no value break out of its line', () => {
    const text = new TextDecoder().decode(
      formatSipMessage({
        kind: 'response',
        status: 200,
        reason: 'OK\r\nX: y',
        headers: [['To', 'a\r\nVia: evil']],
        body: new Uint8Array(),
      }),
    )
    expect(text.split('\r\n')).toEqual(['SIP/2.0 200 OK  X: y', 'To: a  Via: evil', 'Content-Length: 0', '', ''])
  })
})
