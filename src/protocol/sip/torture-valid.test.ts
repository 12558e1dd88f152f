import { describe, expect, it } from 'vitest'
import { type SipTextParts, sipText } from '../../../test/builders/sip-text.ts'
import { parseContentType } from './content-type.ts'
import { parseCseq } from './cseq.ts'
import { formatSipMessage } from './format-message.ts'
import { splitHeaderList } from './header-list.ts'
import { headerOf, headersOf, type SipMessage, type SipRequest, type SipResponse } from './message.ts'
import { parseMultipart } from './multipart.ts'
import { parseNameAddr } from './name-addr.ts'
import { parseSipMessage } from './parse-message.ts'
import { checkRequest } from './required-headers.ts'
import { parseSipUri } from './sip-uri.ts'
import { parseVia } from './via.ts'

// The points that RFC 4475 §3.1.1 makes, with messages of our own: what is rare and right.

const parse = (bytes: Uint8Array): SipMessage => {
  const parsed = parseSipMessage(bytes)
  if (parsed.kind === 'refusal') throw new Error(parsed.reason)
  return parsed
}
const request = (parts: SipTextParts): SipRequest => {
  const parsed = parse(sipText(parts))
  if (parsed.kind !== 'request') throw new Error('That is a response.')
  expect(checkRequest(parsed)).toBeUndefined()
  return parsed
}
const response = (parts: SipTextParts): SipResponse => {
  const parsed = parse(sipText(parts))
  if (parsed.kind !== 'response') throw new Error('That is a request.')
  return parsed
}
const vias = (message: SipMessage) => headersOf(message, 'Via').flatMap(splitHeaderList).map(parseVia)
const address = (message: SipMessage, name: string) => parseNameAddr(headerOf(message, name) ?? '')

describe('what is rare and right (RFC 4475 §3.1.1)', () => {
  it('§3.1.1.1: every freedom of white space, folding, case, order and escapes at once', () => {
    const lines = [
      'INVITE sip:wire@steel.example.net;gauge=thin SIP/2.0',
      'tO :',
      ' sip:wire@steel.example.net  ;  tag   = 77b',
      'fRoM  : "Mary \\"V\\" \\\\" \t <sip:mary@lab.example.org>',
      '  ;',
      '\ttag =',
      ' q1w2',
      'MAX-forwards: 0042',
      'Call-ID:  folded.9@198.51.100.1',
      'Content-Length  : 2',
      'cSeq: 0031',
      '   INVITE',
      'vIA  : SIP /  2.0',
      '  /UDP',
      '    198.51.100.9;branch=old1',
      's :',
      'X-Spool:  first half',
      '  second half',
      'X-No-Known-Shape: ,;;,=,"',
      'Route:',
      ' <sip:hop.example.org;lr;with=value;without>',
      'v:  SIP  /2.0/ TCP   relay.example.org  ;',
      '  branch =  z9hG4bKa1  ,',
      ' SIP/ 2.0 /UDP  203.0.113.8  ; branch=',
      '  z9hG4bKa2',
      'm: "Drum \\"\\"" <sip:mary@lab.example.org> ; colour =',
      '     red ; loose ; q = 0.4',
      '',
      'ok',
    ]
    const invite = parse(Buffer.from(lines.join('\r\n'))) as SipRequest
    expect(checkRequest(invite)).toBeUndefined()
    expect(address(invite, 'To')).toMatchObject({ uri: 'sip:wire@steel.example.net' })
    expect(address(invite, 'To')?.parameters.get('tag')).toBe('77b')
    expect(address(invite, 'From')).toMatchObject({ displayName: 'Mary "V" \\', uri: 'sip:mary@lab.example.org' })
    expect(address(invite, 'From')?.parameters.get('tag')).toBe('q1w2')
    expect(parseCseq(headerOf(invite, 'CSeq') ?? '')).toEqual({ sequence: 31, method: 'INVITE' })
    expect(vias(invite).map((via) => [via?.transport, via?.host, via?.branch])).toEqual([
      ['UDP', '198.51.100.9', 'old1'],
      ['TCP', 'relay.example.org', 'z9hG4bKa1'],
      ['UDP', '203.0.113.8', 'z9hG4bKa2'],
    ])
    expect(headerOf(invite, 'Subject')).toBe('')
    expect(headerOf(invite, 'X-Spool')).toBe('first half second half')
    expect(headerOf(invite, 'X-No-Known-Shape')).toBe(',;;,=,"')
    expect([...(address(invite, 'Contact')?.parameters ?? [])]).toEqual([
      ['colour', 'red'],
      ['loose', undefined],
      ['q', '0.4'],
    ])
    expect(parseSipUri(invite.uri)?.parameters.get('gauge')).toBe('thin')
    expect(Buffer.from(invite.body).toString()).toBe('ok')
  })

  it('§3.1.1.2: every character that each place may have', () => {
    const method = "Wire-Tap0.!%*_+`'~"
    const uri = "sip:2_odd.Name~(is-it!so)&it'd=be+$mad?,/;;*:&why+not=7,p$a~s.(d_o-n't)@steel.example.net"
    const unusual = request({
      start: `${method} ${uri} SIP/2.0`,
      fields: {
        Via: "SIP/2.0/TCP 198.51.100.7;branch=z9hG4bK~'`+_*%!.-",
        To: '"bell \\\u0007 zero \\\0 rubout \\\u007f" <sip:2_odd@steel.example.net>',
        From: `one~\` two'+_ three*%!.- <sip:plain@lab.example.org>;odd''~+*_!.-%="\u043f\u0440\u043e\u0432\u043e\u0434";tag=%!*_~.'+\`-`,
        'Call-ID': 'a%Zz-.!*_+`\'~@b)(><:\\/"][?}{',
        CSeq: `139000001 ${method}`,
        'Max-Forwards': '255',
        "x-Odd.!%*_+`'~": '\u5f55\u97f3',
      },
    })
    expect(unusual.method).toBe(method)
    expect(parseSipUri(unusual.uri)).toMatchObject({ host: 'steel.example.net' })
    expect(vias(unusual)[0]?.branch).toBe("z9hG4bK~'`+_*%!.-")
    expect(address(unusual, 'To')?.displayName).toBe('bell \u0007 zero \0 rubout \u007f')
    expect(address(unusual, 'From')?.displayName).toBe("one~` two'+_ three*%!.-")
    expect(address(unusual, 'From')?.parameters.get("odd''~+*_!.-%")).toBe('\u043f\u0440\u043e\u0432\u043e\u0434')
    expect(address(unusual, 'From')?.parameters.get('tag')).toBe("%!*_~.'+`-")
    expect(headerOf(unusual, 'Call-ID')).toBe('a%Zz-.!*_+`\'~@b)(><:\\/"][?}{')
    expect(Buffer.from(formatSipMessage(unusual)).toString()).toContain('\u5f55\u97f3')
  })

  it('§3.1.1.3: escapes in URIs, which nobody undoes twice', () => {
    const escaped = request({
      start: 'INVITE sip:sip%3Aa%40b.example@steel.example.net SIP/2.0',
      fields: { To: 'sip:%77ire@steel.example.net', Contact: '<sip:m%61ry@lab.example.org;%6Fb;%6E=v%25%34%31>' },
    })
    expect(parseSipUri(escaped.uri)).toMatchObject({ user: 'sip%3Aa%40b.example', host: 'steel.example.net' })
    const contact = parseSipUri(address(escaped, 'Contact')?.uri ?? '')
    expect([...(contact?.parameters ?? [])]).toEqual([
      ['%6fb', undefined],
      ['%6e', 'v%25%34%31'],
    ])
  })

  it('§3.1.1.4: escaped nulls end nothing', () => {
    const escaped = request({
      fields: { From: 'sip:be%00fore@h.example;tag=1', Contact: ['<sip:%00@h.example>', '<sip:%00%00@h.example>'] },
    })
    expect(address(escaped, 'From')?.uri).toBe('sip:be%00fore@h.example')
    expect(headersOf(escaped, 'Contact').map((value) => parseSipUri(parseNameAddr(value)?.uri ?? '')?.user)).toEqual([
      '%00',
      '%00%00',
    ])
  })

  it('§3.1.1.5: percent signs that escape nothing', () => {
    const plain = request({
      start: 'OPT%49ONS sip:rec@tone.example.net SIP/2.0',
      fields: {
        CSeq: '4 OPT%49ONS',
        To: '"%41%5" <sip:rec@tone.example.net>',
        Contact: '<sip:a@h>',
        'C%6Fntact': '<sip:b@h>',
      },
    })
    expect(plain.method).toBe('OPT%49ONS')
    expect(address(plain, 'To')?.displayName).toBe('%41%5')
    expect(headersOf(plain, 'Contact')).toEqual(['<sip:a@h>'])
  })

  it('§3.1.1.6: a display name right before its bracket', () => {
    expect(address(request({ fields: { From: 'drum<sip:drum@lab.example.org>;tag=4' } }), 'From')).toMatchObject({
      displayName: 'drum',
      uri: 'sip:drum@lab.example.org',
    })
  })

  it('§3.1.1.7: long values, and many', () => {
    const long = 'endless'.repeat(60)
    const hops = ['Via', 'v', 'V', 'VIA', 'via ', 'vIa  '].flatMap((name, series) =>
      Array.from({ length: 6 }, (_, index) => `${name}: SIP/2.0/TCP hop${series * 6 + index}.example.org`),
    )
    const lines = [
      'INVITE sip:rec@tone.example.net SIP/2.0',
      `To: "A name as ${long} as this" <sip:rec@tone.example.net:6000;a=${long};${long}=b;${long}x>`,
      `F: sip:${long}@lab.example.org;tag=${long};${long}=${long};z${long}`,
      `Call-ID: ${long}`,
      'CSeq: 3 INVITE',
      `X-${long}: ${long};${long}=${long}`,
      ...hops,
      `Via: SIP/2.0/TCP last.example.org;received=198.51.100.5;branch=${long}`,
      'Max-Forwards: 70',
      '',
      '',
    ]
    const invite = parse(Buffer.from(lines.join('\r\n'))) as SipRequest
    expect(checkRequest(invite)).toBeUndefined()
    expect(vias(invite).map((via) => via?.host)).toEqual([
      ...Array.from({ length: 36 }, (_, index) => `hop${index}.example.org`),
      'last.example.org',
    ])
    expect(address(invite, 'From')?.parameters.get('tag')).toBe(long)
    expect(parseSipUri(address(invite, 'To')?.uri ?? '')).toMatchObject({ host: 'tone.example.net', port: 6000 })
  })

  it('§3.1.1.8: bytes behind the body of a datagram are nothing', () => {
    const second = Buffer.from(sipText({ start: 'BYE sip:other@tone.example.net SIP/2.0' })).toString()
    const first = request({ fields: { 'Content-Length': '0' }, body: `\r\n${second}` })
    expect([first.method, first.body.length, headersOf(first, 'CSeq').length]).toEqual(['INVITE', 0, 1])
  })

  it('§3.1.1.9: semicolons in a user part', () => {
    const { uri } = request({ start: 'INVITE sip:drum;to=a%40lab.example.org@tone.example.net SIP/2.0' })
    const parsed = parseSipUri(uri)
    expect([parsed?.user, parsed?.host, parsed?.parameters.size]).toEqual([
      'drum;to=a%40lab.example.org',
      'tone.example.net',
      0,
    ])
  })

  it('§3.1.1.10: transports known and unknown', () => {
    const transports = ['UDP', 'SCTP', 'TLS', 'PIGEON', 'TCP']
    const Via = transports.map((name) => `SIP/2.0/${name} hop.example.org;branch=z9hG4bK${name}`)
    expect(vias(request({ fields: { Via } })).map((via) => via?.transport)).toEqual(transports)
  })

  it('§3.1.1.11: a multipart body with binary parts, nulls and line ends in them', () => {
    const binary = Buffer.from([0, 1, 13, 10, 45, 45, 0, 13, 10, 255, 0])
    const head =
      '--spool7\r\nContent-Type: text/plain\r\n\r\nHi\r\n--spool7\r\nContent-Type: application/octet-stream\r\n\r\n'
    const body = Buffer.concat([Buffer.from(head), binary, Buffer.from('\r\n--spool7--\r\n')])
    const type = 'multipart/mixed;boundary=spool7'
    const message = request({
      fields: { 'Content-Type': type, 'Content-Length': String(body.length) },
      body: Buffer.concat([body, Buffer.from('noise')]),
    })
    expect(parseContentType(type)?.type).toBe('multipart/mixed')
    expect(parseMultipart(message.body, type)).toEqual([
      { headers: [['Content-Type', 'text/plain']], body: new Uint8Array(Buffer.from('Hi')) },
      { headers: [['Content-Type', 'application/octet-stream']], body: new Uint8Array(binary) },
    ])
  })

  it.each([
    [
      '§3.1.1.12: any reason phrase',
      'SIP/2.0 200 7 * 6 = \u0441\u043e\u0440\u043e\u043a \u0434\u0432\u0430 (%)',
      200,
      '7 * 6 = \u0441\u043e\u0440\u043e\u043a \u0434\u0432\u0430 (%)',
    ],
    ['§3.1.1.13: none', 'SIP/2.0 100 ', 100, ''],
    ['§3.1.1.13: not even the space before it', 'SIP/2.0 100', 100, ''],
  ])('%s', (_what, start, status, reason) => {
    expect(response({ start })).toMatchObject({ status, reason })
  })
})
