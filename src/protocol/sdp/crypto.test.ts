import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSrtpKey, SRTP_SUITES, type SrtpKey, type SrtpSuite } from '../../audio/srtp/srtp-key.ts'
import { formatCrypto, parseCrypto, SDES_SUITES, type SdesKey, type SdesSuite } from './crypto.ts'

const SUITES = Object.keys(SDES_SUITES) as SdesSuite[]
const BYTES_30 = Uint8Array.from({ length: 30 }, (_, at) => at)
const KEY_30 = Buffer.from(BYTES_30).toString('base64')
const KEY_28 = Buffer.from(BYTES_30.subarray(0, 28)).toString('base64')
const KEY_44 = Buffer.alloc(44, 7).toString('base64')
const CM_80 = 'AES_CM_128_HMAC_SHA1_80'

describe('parseCrypto (RFC 4568 §9)', () => {
  it.each(SUITES)('reads a key of %s', (suite) => {
    const keySalt = new Uint8Array(SDES_SUITES[suite].keySaltBytes).fill(250)
    const text = `1 ${suite} inline:${Buffer.from(keySalt).toString('base64')}`
    expect(parseCrypto(text)).toEqual({ tag: 1, key: { suite, keySalt } })
    expect(parseCrypto(text)?.key.keySalt.buffer.byteLength).toBe(keySalt.length)
  })

  it.each([
    ['a lifetime as a power', `7 ${CM_80} inline:${KEY_30}|2^20`, undefined],
    ['a lifetime', `7 ${CM_80} inline:${KEY_30}|1048576`, undefined],
    ['an MKI', `7 ${CM_80} inline:${KEY_30}|1:4`, [0, 0, 0, 1]],
    ['both', `7 ${CM_80} inline:${KEY_30}|2^31|258:2`, [1, 2]],
    ['an MKI of many bytes', `7 ${CM_80} inline:${KEY_30}|${2n ** 1023n}:128`, [128, ...Array(127).fill(0)]],
    ['spaces and lower case', `7   aes_cm_128_hmac_sha1_80\tINLINE:${KEY_30} `, undefined],
    ['parameters that change nothing', `7 ${CM_80} inline:${KEY_30} KDR=0 WSH=128 -x-own=1`, undefined],
  ])('reads %s', (_, text, mki) => {
    const key = { suite: CM_80, keySalt: BYTES_30, ...(mki && { mki: Uint8Array.from(mki) }) }
    expect(parseCrypto(text)).toEqual({ tag: 7, key })
  })

  it('reads keys whose padding was left out', () => {
    expect(KEY_28).toMatch(/==$/)
    for (const text of [KEY_28, KEY_28.replaceAll('=', '')]) {
      expect(parseCrypto(`1 AEAD_AES_128_GCM inline:${text}`)?.key.keySalt).toEqual(BYTES_30.subarray(0, 28))
    }
  })

  it.each([
    ['nothing', ''],
    ['no key', `1 ${CM_80}`],
    ['no tag', `${CM_80} inline:${KEY_30}`],
    ['a tag that is no number', `one ${CM_80} inline:${KEY_30}`],
    ['a tag of ten digits', `1234567890 ${CM_80} inline:${KEY_30}`],
    ['a suite that is not ours', `1 AES_256_CM_HMAC_SHA1_80 inline:${KEY_30}`],
    ['a suite of an object', `1 constructor inline:${KEY_30}`],
    ['another key method', `1 ${CM_80} uri:${KEY_30}`],
    ['a key that is too short', `1 ${CM_80} inline:${KEY_28}`],
    ['a key that is too long', `1 AEAD_AES_128_GCM inline:${KEY_30}`],
    ['a key of another suite', `1 ${CM_80} inline:${KEY_44}`],
    ['a key that is no base64', `1 ${CM_80} inline:${KEY_30.slice(0, 39)}*`],
    ['a key of the other alphabet', `1 ${CM_80} inline:${KEY_30.slice(0, 39)}_`],
    ['padding within', `1 ${CM_80} inline:${KEY_30.slice(0, 19)}=${KEY_30.slice(20)}`],
    ['several keys', `1 ${CM_80} inline:${KEY_30}|2^20|1:4;inline:${KEY_30}|2^20|2:4`],
    ['an MKI without a length', `1 ${CM_80} inline:${KEY_30}|2^20|1`],
    ['an MKI of no bytes', `1 ${CM_80} inline:${KEY_30}|1:0`],
    ['an MKI that is too long', `1 ${CM_80} inline:${KEY_30}|1:129`],
    ['an MKI that does not fit', `1 ${CM_80} inline:${KEY_30}|256:1`],
    ['a lifetime that is no number', `1 ${CM_80} inline:${KEY_30}|2^x`],
    ['RTP in the clear', `1 ${CM_80} inline:${KEY_30} UNENCRYPTED_SRTP`],
    ['RTCP in the clear', `1 ${CM_80} inline:${KEY_30} UNENCRYPTED_SRTCP`],
    ['no authentication', `1 ${CM_80} inline:${KEY_30} WSH=64 UNAUTHENTICATED_SRTP`],
    ['keys derived anew', `1 ${CM_80} inline:${KEY_30} KDR=1`],
    ['forward error correction', `1 ${CM_80} inline:${KEY_30} FEC_ORDER=FEC_SRTP`],
    ['its keys', `1 ${CM_80} inline:${KEY_30} FEC_KEY=inline:${KEY_30}`],
    ['a parameter that nobody knows', `1 ${CM_80} inline:${KEY_30} x-own`],
  ])('leaves out %s', (_, text) => expect(parseCrypto(text)).toBeUndefined())

  it('reads what is written, and never throws', () => {
    const crypto = fc
      .record({
        tag: fc.nat(999_999_999),
        suite: fc.constantFrom(...SUITES),
        byte: fc.nat(255),
        mki: fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined }),
      })
      .map(({ tag, suite, byte, mki }) => {
        const keySalt = new Uint8Array(SDES_SUITES[suite].keySaltBytes).fill(byte)
        return { tag, key: { suite, keySalt, ...(mki && { mki }) } }
      })
    fc.assert(
      fc.property(crypto, (each) => {
        expect(parseCrypto(formatCrypto(each))).toEqual(each)
      }),
    )
    const piece = fc.oneof(
      fc.constantFrom('1 ', CM_80, ' inline:', KEY_30, '|', '2^', '1:4', ' ', ';', ' KDR=', ' WSH=64', '='),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const read = parseCrypto(pieces.join(''))
        if (read) expect(parseCrypto(formatCrypto(read))).toEqual(read)
      }),
    )
  })

  it('takes time that is linear in the length', () => {
    for (const fill of [' ', '1', '1 ', '|', 'A', '=', ' -x', '\t', ';inline:', '2^'])
      for (const start of ['', '1', `1 ${CM_80} `, `1 ${CM_80} inline:`, `1 ${CM_80} inline:${KEY_30}`])
        expect(() => parseCrypto(start + fill.repeat(100_000 / fill.length))).not.toThrow()
  })
})

describe('the suites', () => {
  it('are those that media is protected with, in the same order, and so are their keys', () => {
    expect(Object.entries(SDES_SUITES)).toEqual(
      Object.entries(SRTP_SUITES).map(([suite, { keyBytes, saltBytes }]) => [
        suite,
        { keySaltBytes: keyBytes + saltBytes },
      ]),
    )
    // Each is the other, for the compiler too.
    const toMedia = (key: SdesKey): SrtpKey => key
    const toText = (key: SrtpKey): SdesKey => key
    for (const suite of Object.keys(SRTP_SUITES) as SrtpSuite[]) {
      const key = makeSrtpKey(suite)
      expect(toMedia(parseCrypto(formatCrypto({ tag: 1, key: toText(key) }))!.key)).toEqual(key)
    }
  })
})
