import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestResponse, formatDigestChallenge, parseDigestAuthorization } from './digest.ts'
import { formatDigestAuthorization, parseDigestChallenge } from './digest-client.ts'

const hashOf = (name: string) => (text: string) => createHash(name).update(text).digest('hex')
const [sha256, md5] = [hashOf('sha256'), hashOf('md5')]

describe('Digest', () => {
  // The values of RFC 7616 §3.9.1.
  const GIVEN = {
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    uri: '/dir/index.html',
    qop: 'auth',
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    method: 'GET',
  }
  const USER = 'Mufasa:http-auth@example.org:Circle of Life'

  it('proves a password as RFC 7616 §3.9.1 does', () => {
    expect(digestResponse({ ...GIVEN, ha1: sha256(USER) }, sha256)).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    )
    expect(digestResponse({ ...GIVEN, ha1: md5(USER) }, md5)).toBe('8ca523f5e9506fed4657c9700eebdbec')
  })

  it('proves one without a qop as RFC 2617 §3.2.2.1 does', () => {
    const parts = {
      nonce: 'n',
      uri: 'sip:a',
      qop: undefined,
      nc: undefined,
      cnonce: undefined,
      ha1: 'h',
      method: 'BYE',
    }
    expect(digestResponse(parts, md5)).toBe(md5(`h:n:${md5('BYE:sip:a')}`))
  })

  it.each([
    [{ qop: 'auth-int' }],
    [{ nc: undefined }],
    [{ nc: '1' }],
    [{ cnonce: undefined }],
  ])('proves nothing with %o', (change) => {
    expect(digestResponse({ ...GIVEN, ...change, ha1: 'h' }, md5)).toBeUndefined()
  })

  it('reads what clients send', () => {
    const value =
      'DIGEST  username="bob \\"x\\"", realm="poulsen",nonce="a,b", uri="sip:r@h;x=1", response="00ff", algorithm=SHA-256, cnonce="c", nc=00000002, qop=auth'
    expect(parseDigestAuthorization(value)).toEqual({
      username: 'bob "x"',
      realm: 'poulsen',
      nonce: 'a,b',
      uri: 'sip:r@h;x=1',
      response: '00ff',
      algorithm: 'SHA-256',
      qop: 'auth',
      nc: '00000002',
      cnonce: 'c',
      opaque: undefined,
    })
  })

  it.each(['', 'Basic abc', 'Digest', 'Digest username="a"', `Digest ${'x'.repeat(9000)}`])('%s is none', (value) => {
    expect(parseDigestAuthorization(value)).toBeUndefined()
  })

  it('challenges', () => {
    const challenge = { realm: 'a "b"', nonce: 'n', algorithm: 'SHA-256', qop: ['auth'], stale: true } as const
    expect(formatDigestChallenge(challenge)).toBe(
      'Digest realm="a \\"b\\"", nonce="n", algorithm=SHA-256, qop="auth", stale=true',
    )
  })

  it('gives back what was formatted, challenges and answers', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abc",\\ ;=:/@\u00e9'), maxLength: 20 })
    const challenge = fc.record({
      realm: text,
      nonce: text,
      algorithm: fc.constantFrom('SHA-256' as const, 'MD5' as const),
      qop: fc.constantFrom([], ['auth' as const]),
      stale: fc.boolean(),
      opaque: text,
    })
    fc.assert(
      fc.property(challenge, (sent) => {
        expect(parseDigestChallenge(formatDigestChallenge(sent))).toEqual(sent)
      }),
    )
    const answer = fc.record({
      username: text,
      realm: text,
      nonce: text,
      uri: text,
      response: fc.stringMatching(/^[0-9a-f]{64}$/),
      algorithm: fc.constantFrom('SHA-256', 'MD5', undefined),
      qop: fc.constantFrom('auth', undefined),
      nc: fc.constantFrom('0000000a', undefined),
      cnonce: fc.option(text, { nil: undefined }),
      opaque: fc.option(text, { nil: undefined }),
    })
    fc.assert(
      fc.property(answer, (sent) => {
        expect(parseDigestAuthorization(formatDigestAuthorization(sent))).toEqual(sent)
      }),
    )
  })

  it('quotes what RFC 7616 §3.4 quotes, and nothing else', () => {
    const sent = {
      username: 'a',
      realm: 'r',
      nonce: 'n',
      uri: 'sip:b',
      response: '0f',
      algorithm: 'SHA-256',
      qop: 'auth',
      nc: '00000001',
      cnonce: 'c',
      opaque: undefined,
    }
    expect(formatDigestAuthorization(sent)).toBe(
      'Digest username="a", realm="r", nonce="n", uri="sip:b", response="0f", algorithm=SHA-256, cnonce="c", qop=auth, nc=00000001',
    )
  })

  it.each([
    'Basic realm="r"',
    'Digest realm="r"',
    'Digest nonce="n"',
    'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    'Digest realm="r", nonce="n", qop="auth-int"',
  ])('a client leaves out %s', (value) => expect(parseDigestChallenge(value)).toBeUndefined())

  it('a client takes auth where there is more, MD5 where nothing is said', () => {
    expect(parseDigestChallenge('digest realm=r, nonce="n", qop="auth-int, AUTH"')).toEqual({
      realm: 'r',
      nonce: 'n',
      algorithm: 'MD5',
      qop: ['auth'],
      stale: false,
    })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'",=\\ abc;') }),
        (text) => void [parseDigestAuthorization(`Digest ${text}`), parseDigestChallenge(`Digest ${text}`)],
      ),
    )
  })
})
