import { describe, expect, it } from 'vitest'
import { deriveSessionKeys } from './derive-session-keys.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('deriveSessionKeys', () => {
  it('gives the keys of RFC 3711 B.3', () => {
    const keySalt = Buffer.from('e1f97a0d3e018be0d64fa32c06de4139' + '0ec675ad498afeebb6960b3aabe6', 'hex')
    const { cipherKey, salt, authenticationKey } = deriveSessionKeys({ suite: 'AES_CM_128_HMAC_SHA1_80', keySalt }).rtp
    expect(hex(cipherKey)).toBe('c61e7a93744f39ee10734afe3ff7a087')
    expect(hex(salt)).toBe('30cbbc08863d8c85d49db34a9ae1')
    expect(hex(authenticationKey)).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4')
  })

  it('gives other keys for SRTCP, and none for authentication where the cipher does it', () => {
    const keySalt = Uint8Array.from({ length: 44 }, (_, at) => at)
    const { rtp, rtcp } = deriveSessionKeys({ suite: 'AEAD_AES_256_GCM', keySalt })
    expect([rtp, rtcp].map(({ cipherKey, salt }) => [cipherKey.length, salt.length])).toEqual([
      [32, 12],
      [32, 12],
    ])
    expect(hex(rtp.cipherKey)).not.toBe(hex(rtcp.cipherKey))
    expect(hex(rtp.salt)).not.toBe(hex(rtcp.salt))
    expect([rtp.authenticationKey.length, rtcp.authenticationKey.length]).toEqual([0, 0])
  })
})
