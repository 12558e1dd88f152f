import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseContentType } from './content-type.ts'
import { parseCseq } from './cseq.ts'
import { splitHeaderList } from './header-list.ts'
import { canonicalName } from './header-names.ts'
import { parseMultipart } from './multipart.ts'
import { parseNameAddr } from './name-addr.ts'
import { parseOptionTags } from './option-tags.ts'
import { parseSessionExpires } from './session-expires.ts'
import { parseSipUri } from './sip-uri.ts'
import { formatVia, parseVia } from './via.ts'

describe('splitHeaderList', () => {
  it.each([
    ['a, b ,c', ['a', 'b', 'c']],
    ['"x, y" <sip:a@b,c>, <sip:d>', ['"x, y" <sip:a@b,c>', '<sip:d>']],
    ['"a \\", b", c', ['"a \\", b"', 'c']],
    [' , ,', []],
    ['', []],
  ])('%s', (value, parts) => expect(splitHeaderList(value)).toEqual(parts))
})

describe('parseNameAddr', () => {
  it.each([
    ['"A, \\"x\\" B" <sip:a@b;p=1>;tag=9', 'A, "x" B', 'sip:a@b;p=1', '9'],
    ['Anna Karenina <sips:a@b>;tag="q t"', 'Anna Karenina', 'sips:a@b', 'q t'],
    ['sip:a@b;tag=7', undefined, 'sip:a@b', '7'],
    ['<tel:+1-201-555-0123>;x;tag=1', undefined, 'tel:+1-201-555-0123', '1'],
    ['"" <sip:a@b>', undefined, 'sip:a@b', undefined],
  ])('%s', (text, displayName, uri, tag) => {
    const parsed = parseNameAddr(text)
    expect([parsed?.displayName, parsed?.uri, parsed?.parameters.get('tag')]).toEqual([displayName, uri, tag])
  })

  it.each(['', '"open <sip:a@b>', '<sip:a@b', 'no uri here', '"only a name"', '<no scheme>'])('%s is none', (text) =>
    expect(parseNameAddr(text)).toBeUndefined())
})

describe('parseVia', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport', 'UDP', '192.0.2.1', 5070, 'z9hG4bK1'],
    ['SIP / 2.0 / tls  [2001:db8::9:1];received=192.0.2.2;branch=b', 'TLS', '2001:db8::9:1', undefined, 'b'],
    ['SIP/2.0/TCP host.example.com', 'TCP', 'host.example.com', undefined, undefined],
  ])('%s', (text, transport, host, port, branch) => {
    expect(parseVia(text)).toMatchObject({ transport, host, port, branch })
    expect(parseVia(formatVia(parseVia(text) ?? ({} as never)))).toEqual(parseVia(text))
  })

  it.each(['', 'SIP/2.0/UDP', 'SIP/3.0/UDP h', 'SIP/2.0/UDP h:99999', 'HTTP/1.1 h'])('%s is none', (text) =>
    expect(parseVia(text)).toBeUndefined())
})

describe('parseSipUri', () => {
  it.each([
    ['sip:alice:secret@h.example.com:5070;transport=TCP?Subject=x', 'sip', 'alice', 'h.example.com', 5070],
    ['SIPS:[2001:db8::1]', 'sips', undefined, '2001:db8::1', undefined],
    ['sip:user;par=u%40example.net@example.com', 'sip', 'user;par=u%40example.net', 'example.com', undefined],
  ])('%s', (text, scheme, user, host, port) => expect(parseSipUri(text)).toMatchObject({ scheme, user, host, port }))

  it.each(['tel:+1', 'sip:', 'sip:@h', 'sip:a b@h', 'sip:h:x', ''])('%s is none', (text) =>
    expect(parseSipUri(text)).toBeUndefined())
})

describe('small header fields', () => {
  it('CSeq', () => {
    expect(parseCseq('0009  INVITE')).toEqual({ sequence: 9, method: 'INVITE' })
    for (const text of ['', '1', 'x INVITE', '-1 BYE', '2147483648 BYE', '1 BAD METHOD'])
      expect(parseCseq(text), text).toBeUndefined()
  })

  it('Session-Expires', () => {
    expect(parseSessionExpires('1800;Refresher=UAS')).toEqual({ deltaSeconds: 1800, refresher: 'uas' })
    expect(parseSessionExpires('90 ; x')).toEqual({ deltaSeconds: 90, refresher: undefined })
    expect(parseSessionExpires('soon')).toBeUndefined()
  })

  it('Content-Type', () => {
    expect(parseContentType('Application/SDP ; charset="utf-8"')).toMatchObject({ type: 'application/sdp' })
    for (const text of ['', 'text', 'a/b/c', 'a b/c']) expect(parseContentType(text), text).toBeUndefined()
  })

  it('option tags, names', () => {
    expect(parseOptionTags('timer, 100rel ,"no"')).toEqual(['timer', '100rel'])
    expect(['v', 'CALL-ID', 'cseq', 'x-my-header', 'www-authenticate', 'MIN-SE'].map(canonicalName)).toEqual([
      'Via',
      'Call-ID',
      'CSeq',
      'X-My-Header',
      'WWW-Authenticate',
      'Min-SE',
    ])
  })

  it('names that JavaScript knows are names like any other', () => {
    expect(['constructor', '__proto__', 'toString', 'hasOwnProperty'].map(canonicalName)).toEqual([
      'Constructor',
      '__proto__',
      'Tostring',
      'Hasownproperty',
    ])
  })

  it('never throw, whatever the text', () => {
    const parsers = [
      splitHeaderList,
      parseNameAddr,
      parseVia,
      parseSipUri,
      parseCseq,
      parseSessionExpires,
      parseContentType,
      parseOptionTags,
    ]
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'<>";=,:@\\ asip/2.0') })), (text) => {
        for (const parser of parsers) parser(text)
      }),
    )
  })

  it('take linear time on long texts of one kind', () => {
    for (const character of '<">\\,;=@: ') {
      const text = character.repeat(60_000)
      for (const parser of [splitHeaderList, parseNameAddr, parseVia, parseSipUri, parseContentType]) parser(text)
    }
  })
})

describe('parseMultipart', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const parts = (text: string, type = 'multipart/mixed;boundary="x y"') => {
    const parsed = parseMultipart(bytes(text), type)
    return 'reason' in parsed ? parsed : parsed.map(({ headers, body }) => [headers, new TextDecoder().decode(body)])
  }

  it('gives the parts, whatever the line ends, the preamble and the epilogue', () => {
    const lines = [
      'preamble',
      '--x y',
      'content-type: application/sdp',
      '',
      'v=0',
      'o=1',
      '--x y  ',
      '',
      'bare',
      '--x y--',
      'epilogue',
    ]
    const expected = [
      [[['Content-Type', 'application/sdp']], 'v=0'],
      [[], 'bare'],
    ]
    expect(parts(lines.join('\n'))).toEqual([[[['Content-Type', 'application/sdp']], 'v=0\no=1'], expected[1]])
    expect(parts(lines.join('\r\n'))).toEqual([[[['Content-Type', 'application/sdp']], 'v=0\r\no=1'], expected[1]])
  })

  it('opens what is nested, and takes a body whose last boundary is missing', () => {
    const inner = ['--in', '', 'deep', '--in--'].join('\r\n')
    expect(
      parts(['--x y', 'Content-Type: multipart/alternative;boundary=in', '', inner, '--x y', '', 'open'].join('\r\n')),
    ).toEqual([
      [[], 'deep'],
      [[], 'open'],
    ])
  })

  it('tells a boundary from one that begins with it', () => {
    const inner = ['--x y2', '', 'deep', '--x y2--'].join('\r\n')
    const type = 'Content-Type: multipart/mixed;boundary="x y2"'
    expect(parts(['--x y', type, '', inner, '--x y', '', 'next', '--x y--'].join('\r\n'))).toEqual([
      [[], 'deep'],
      [[], 'next'],
    ])
  })

  it('refuses what is nested too deeply, and too many parts in all', () => {
    const nest = (depth: number): string =>
      depth === 0
        ? 'x'
        : [`--b${depth}`, `Content-Type: multipart/mixed;boundary=b${depth - 1}`, '', nest(depth - 1)].join('\r\n')
    expect(parts(nest(3), 'multipart/mixed;boundary=b3')).toEqual({ reason: 'nested too deeply' })
    const ten = Array(10).fill('--in\r\n\r\na').join('\r\n')
    const nested = `--x y\r\nContent-Type: multipart/mixed;boundary=in\r\n\r\n${ten}\r\n--in--`
    expect(parts(`${nested}\r\n${nested}\r\n--x y--`)).toEqual({ reason: 'too many parts' })
  })

  it.each([
    ['no boundary', '--x', 'multipart/mixed'],
    ['the boundary does not occur', 'nothing', undefined],
    ['too many parts', Array(20).fill('--x y\r\n\r\na').join('\r\n'), undefined],
    ['a part has no header', '--x y\r\nno header\r\n\r\n--x y--', undefined],
  ])('refuses: %s', (reason, text, type) => expect(parts(text, type)).toEqual({ reason }))

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('--x y', '--x y--', '\r\n', '\n', 'a: b', 'Content-Type: multipart/x;boundary="x y"', '\0'),
        ),
        (pieces) => {
          parseMultipart(bytes(pieces.join('\r\n')), 'multipart/mixed;boundary="x y"')
        },
      ),
    )
  })
})
