import { describe, expect, it } from 'vitest'
import type { SrtpKey, SrtpSuite } from './srtp-key.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'

/** Whole packets as libsrtp and others write them, from the master key on. */
const HEX_KEY = '000102030405060708090a0b0c0d0e0f'
const HEX_SALT = 'a0a1a2a3a4a5a6a7a8a9aaabacad'
const MKI = '01020004'
const RTP = '800f1234decafbadcafebabe'
const RTCP = '81c8000bcafebabe'
const DATA = 'ab'.repeat(16)

const bytesOf = (...hex: readonly string[]): Uint8Array => Uint8Array.from(Buffer.from(hex.join(''), 'hex'))
const hexOf = (bytes: Uint8Array | string): string =>
  typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('hex')

interface Vector {
  readonly suite: SrtpSuite
  readonly keySalt: string
  readonly isAead: boolean
  readonly rtp: readonly [data: string, tag: string]
  readonly rtcp: readonly [data: string, tag: string]
  /** Of SRTCP with the same index that is not encrypted. */
  readonly clearTag?: string
}

const VECTORS: readonly Vector[] = [
  {
    suite: 'AES_CM_128_HMAC_SHA1_80',
    keySalt: 'e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6',
    isAead: false,
    rtp: ['4e55dc4ce79978d88ca4d215949d2402', 'b78d6acc99ea179b8dbb'],
    rtcp: ['7128035be487b9bdbef89041f977a5a8', '993e08cd54d6c1230798'],
  },
  {
    suite: 'AES_CM_128_HMAC_SHA1_80',
    keySalt: HEX_KEY + HEX_SALT,
    isAead: false,
    rtp: ['e2d8df8f7a75d688c3502eeec2a98066', 'cd7c0d09ca4432a56e3d'],
    rtcp: ['5674bf01813dc062ac1df6f75f77c688', '3db7a19837ff64e5cbd2'],
    clearTag: 'd2a2362d011b8cfc0ac9',
  },
  {
    suite: 'AES_CM_128_HMAC_SHA1_32',
    keySalt: HEX_KEY + HEX_SALT,
    isAead: false,
    rtp: ['e2d8df8f7a75d688c3502eeec2a98066', 'cd7c0d09'],
    rtcp: ['5674bf01813dc062ac1df6f75f77c688', '3db7a19837ff64e5cbd2'],
    clearTag: 'd2a2362d011b8cfc0ac9',
  },
  {
    suite: 'AEAD_AES_128_GCM',
    keySalt: HEX_KEY + HEX_SALT.slice(0, 24),
    isAead: true,
    rtp: ['c5002ede04cfdd2eb91159e0880aa06e', 'd2976826f796b201df3131a127e8a392'],
    rtcp: ['c98b8b5df0392a55852b6c21ac8e7025', 'c52c6fbea2b3b446ea31123ba88ce61e'],
    clearTag: '0cf635168f8242a21b12d664ecd862e8',
  },
  {
    suite: 'AEAD_AES_256_GCM',
    keySalt: HEX_KEY + HEX_KEY + HEX_SALT.slice(0, 24),
    isAead: true,
    rtp: ['af49968f7e9c43f801dd0c848b1ec9b0', '29cdf85cb79a2f9560d4697598507725'],
    rtcp: ['9822ba22961c3148e7b7ec4f09f426dc', 'f6b59a75adec74fdb951b6668424d4e2'],
    clearTag: '2255dcaf869abb1cd01ae8354c9411ee',
  },
]

/** The packets of a vector, MKI or none in its place. */
const packetsOf = ({ rtp, rtcp, isAead, clearTag = '' }: Vector, mki: string) => ({
  rtp: isAead ? bytesOf(RTP, ...rtp, mki) : bytesOf(RTP, rtp[0], mki, rtp[1]),
  rtcp: isAead ? bytesOf(RTCP, ...rtcp, '80000001', mki) : bytesOf(RTCP, rtcp[0], '80000001', mki, rtcp[1]),
  clearRtcp: isAead ? bytesOf(RTCP, DATA, clearTag, '00000001', mki) : bytesOf(RTCP, DATA, '00000001', mki, clearTag),
})

describe.each(VECTORS)('$suite, key $keySalt', (vector) => {
  describe.each(['', MKI])('MKI "%s"', (mki) => {
    const key: SrtpKey = {
      suite: vector.suite,
      keySalt: bytesOf(vector.keySalt),
      ...(mki !== '' && { mki: bytesOf(mki) }),
    }

    it('seals', () => {
      const sender = new SrtpSender(key)
      expect(hexOf(sender.sealRtp(bytesOf(RTP, DATA)))).toBe(hexOf(packetsOf(vector, mki).rtp))
      // Others count from 1.
      sender.sealRtcp(bytesOf(RTCP))
      expect(hexOf(sender.sealRtcp(bytesOf(RTCP, DATA)))).toBe(hexOf(packetsOf(vector, mki).rtcp))
    })

    it('opens', () => {
      const receiver = new SrtpReceiver(key)
      const { rtp, rtcp } = packetsOf(vector, mki)
      expect(hexOf(receiver.openRtp(rtp))).toBe(RTP + DATA)
      expect(hexOf(receiver.openRtcp(rtcp))).toBe(RTCP + DATA)
    })
  })
})

describe('SRTCP that is only authenticated (RFC 3711 §3.4)', () => {
  it.each(VECTORS.filter(({ clearTag }) => clearTag !== undefined))('opens as $suite', (vector) => {
    const key: SrtpKey = { suite: vector.suite, keySalt: bytesOf(vector.keySalt), mki: bytesOf(MKI) }
    const { clearRtcp } = packetsOf(vector, MKI)
    expect(hexOf(new SrtpReceiver(key).openRtcp(clearRtcp.slice()))).toBe(RTCP + DATA)
    clearRtcp[10] = 0
    expect(new SrtpReceiver(key).openRtcp(clearRtcp)).toBe('unauthentic')
  })
})
