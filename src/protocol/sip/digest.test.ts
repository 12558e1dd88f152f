import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDigestAuthorization, parseDigestChallenge } from '../../../test/support/digest-client.ts'
import { digestResponse, formatDigestChallenge, parseDigestAuthorization } from './digest.ts'

const hashOf = (name: string) => (text: string) => createHash(name).update(text).digest('hex')
const [sha256, md5] = [hashOf('sha256'), hashOf('md5')]

describe('Digest', () => {
  const USER = 'valdemar:wire room:steel drum'
  const GIVEN = { nonce: '7d2a,=9', uri: '/rec?x=1', qop: 'auth', nc: '00000001', cnonce: 'c', method: 'GET' }

  // What curl 7.88 answers to such challenges.
  it.each([
    [
      sha256,
      'NzBjZTk3MDJlZGYwNTQyY2JjOGE3Njg2NDkxMzEyNmE=',
      '14d55cda5431c9638605030ac5b06ec352962eb2098fa27f1ad2d01e4d793390',
    ],
    [md5, 'NTZjMWQyN2Q1OTcwN2JkMGFkOTU3YWNhMmUwNTFjYTk=', '22879136086d528c020df218d2027768'],
  ])('proves a password as other clients do (RFC 7616 §3.4.1) %#', (hash, cnonce, response) => {
    expect(digestResponse({ ...GIVEN, cnonce, ha1: hash(USER) }, hash)).toBe(response)
  })

  it.each([
    [md5, '8ca523f5e9506fed4657c9700eebdbec'],
    [sha256, '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('proves the password of the standard (RFC 7616 §3.9.1) %#', (hash, response) => {
    const parts = {
      ha1: hash('Mufasa:http-auth@example.org:Circle of Life'),
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      uri: '/dir/index.html',
      qop: 'auth',
      nc: '00000001',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
      method: 'GET',
    }
    expect(digestResponse(parts, hash)).toBe(response)
  })

  it('proves one without a qop as they do (RFC 2617 §3.2.2.1)', () => {
    const parts = { ...GIVEN, qop: undefined, nc: undefined, cnonce: undefined, ha1: md5(USER) }
    expect(digestResponse(parts, md5)).toBe('23881e74271f57e30ccae8a634c849b3')
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

  it('reads a string that never ends in linear time, to the end', () => {
    const endless = (characters: number) => `Digest realm="r",nonce="${'\\"'.repeat(characters / 2)}\\`
    const leastMs = (value: string, times: number) => {
      const rounds = Array.from({ length: 20 }, () => {
        const startedAt = performance.now()
        for (let time = 0; time < times; time += 1) parseDigestChallenge(value)
        return performance.now() - startedAt
      })
      return Math.min(...rounds)
    }
    expect(parseDigestChallenge(endless(4))).toMatchObject({ realm: 'r', nonce: '"\\"\\"\\' })
    // As many characters in all; sixteen times as long when every quote began the search for its end again.
    expect(leastMs(endless(4_000), 1)).toBeLessThan(4 * leastMs(endless(250), 16) + 1)
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
