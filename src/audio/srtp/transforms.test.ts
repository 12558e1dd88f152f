import { describe, expect, it } from 'vitest'
import { AesCmTransform } from './aes-cm-transform.ts'
import { AesGcmTransform } from './aes-gcm-transform.ts'
import type { PacketParts } from './transform.ts'

const NONE = new Uint8Array()
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('AesCmTransform', () => {
  const transform = new AesCmTransform(
    {
      cipherKey: bytesOf('2b7e151628aed2a6abf7158809cf4f3c'),
      salt: bytesOf('f0f1f2f3f4f5f6f7f8f9fafbfcfd'),
      authenticationKey: new Uint8Array(20),
    },
    10,
  )

  it('makes the keystream of RFC 3711 B.2, to its last block', () => {
    const dataEnd = 1_044_512
    const bytes = new Uint8Array(dataEnd + 10)
    transform.seal(bytes, { ssrc: 0, index: 0, clearEnd: 0, dataEnd, tagAt: dataEnd, word: undefined })
    expect(hex(bytes.subarray(0, 48))).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    )
    expect(hex(bytes.subarray(dataEnd - 48, dataEnd))).toBe(
      'ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44',
    )
  })

  it('has the rollover counter in the keystream and in the tag, all of its 32 bits', () => {
    const sealed = [0x1234, 0x1234 + 2 ** 32, 0x1234 + 2 ** 47].map((index) => {
      const bytes = new Uint8Array(50)
      transform.seal(bytes, { ssrc: 1, index, clearEnd: 12, dataEnd: 40, tagAt: 40, word: undefined })
      return bytes
    })
    expect(new Set(sealed.map((bytes) => hex(bytes.subarray(12, 40)))).size).toBe(3)
    expect(new Set(sealed.map((bytes) => hex(bytes.subarray(40)))).size).toBe(3)
  })
})

/** RFC 7714 §16, §17. Its words give the session keys, not the master key. */
const KEY = bytesOf('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')
const SALT = bytesOf('517569642070726f2071756f')
const RTP_HEADER = '8040f17b8041f8d35501a0b2'
const RTP_PAYLOAD = '47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573'
const RTCP_HEADER = '81c8000d4d617273'
const RTCP_DATA = '4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef'

const rtp = { ssrc: 0x5501a0b2, index: 0xf17b, clearEnd: 12, dataEnd: 50, tagAt: 50, word: undefined }
const rtcp = { ssrc: 0x4d617273, index: 0x5d4, clearEnd: 8, dataEnd: 52, tagAt: 52, word: 0x800005d4 }
const tagged = { ...rtcp, clearEnd: 52, word: 0x5d4 }

const VECTORS: readonly (readonly [string, number, PacketParts, string, string])[] = [
  [
    '§16.1 SRTP, 128 bits',
    16,
    rtp,
    RTP_HEADER + RTP_PAYLOAD,
    `${RTP_HEADER}f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce`,
  ],
  [
    '§16.2 SRTP, 256 bits',
    32,
    rtp,
    RTP_HEADER + RTP_PAYLOAD,
    `${RTP_HEADER}32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13`,
  ],
  [
    '§17.1 SRTCP, 128 bits',
    16,
    rtcp,
    RTCP_HEADER + RTCP_DATA,
    `${RTCP_HEADER}63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade`,
  ],
  [
    '§17.2 SRTCP, 256 bits',
    32,
    rtcp,
    RTCP_HEADER + RTCP_DATA,
    `${RTCP_HEADER}d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be`,
  ],
  [
    '§17.3 SRTCP, 128 bits, tag only',
    16,
    tagged,
    RTCP_HEADER + RTCP_DATA,
    `${RTCP_HEADER}${RTCP_DATA}841dd9683dd78ec92ae58790125f62b3`,
  ],
  [
    '§17.4 SRTCP, 256 bits, tag only',
    32,
    tagged,
    RTCP_HEADER + RTCP_DATA,
    `${RTCP_HEADER}${RTCP_DATA}91db4afbfeee5a978fab4393ed2615fe`,
  ],
]

describe('AesGcmTransform', () => {
  it.each(VECTORS)('does as RFC 7714 %s', (_, keyBytes, parts, plain, sealed) => {
    const transform = new AesGcmTransform({ cipherKey: KEY.subarray(0, keyBytes), salt: SALT, authenticationKey: NONE })
    const bytes = bytesOf(plain + '00'.repeat(16))
    transform.seal(bytes, parts)
    expect(hex(bytes)).toBe(sealed)
    expect(transform.open(bytes, parts)).toBe(true)
    expect(hex(bytes.subarray(0, parts.dataEnd))).toBe(plain)
  })

  it('has all 48 bits of the index in its nonce', () => {
    const transform = new AesGcmTransform({ cipherKey: KEY, salt: SALT, authenticationKey: NONE })
    const sealed = [0, 1, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 47].map((index) => {
      const bytes = new Uint8Array(66)
      transform.seal(bytes, { ...rtp, index })
      return hex(bytes)
    })
    expect(new Set(sealed).size).toBe(6)
  })
})
