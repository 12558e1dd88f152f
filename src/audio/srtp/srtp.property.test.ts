import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeRtpHeader, parseRtp } from '../rtp/packet.ts'
import { makeSrtpKey, SRTP_SUITES, type SrtpKey, type SrtpSuite } from './srtp-key.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'

const SUITES = Object.keys(SRTP_SUITES) as SrtpSuite[]
const suites = fc.constantFrom(...SUITES)
const keys = fc
  .tuple(suites, fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined }))
  .map(([suite, mki]): SrtpKey => ({ ...makeSrtpKey(suite), ...(mki && { mki }) }))

/** An RTP packet with contributing sources and an extension, or without. */
const packets = fc
  .record({
    csrcs: fc.nat(15),
    extension: fc.option(fc.nat(5), { nil: undefined }),
    middle: fc.uint8Array({ minLength: 11, maxLength: 11 }),
    payload: fc.uint8Array({ maxLength: 1_500 }),
  })
  .map(({ csrcs, extension, middle, payload }) => {
    const first = 0x80 | csrcs | (extension === undefined ? 0 : 0x10)
    const words = extension === undefined ? [] : [0xbe, 0xde, 0, extension, ...Array(4 * extension).fill(5)]
    return Uint8Array.from([first, ...middle, ...Array(4 * csrcs).fill(7), ...words, ...payload])
  })
const compounds = fc.uint8Array({ minLength: 8, maxLength: 400 })

const headerEnd = (bytes: Uint8Array): number => {
  const header = makeRtpHeader()
  expect(parseRtp(bytes, header)).toBeUndefined()
  return header.payloadOffset
}

describe('SRTP', () => {
  it('opens any packet that was sealed, whose header was left in the clear', () => {
    fc.assert(
      fc.property(keys, packets, (key, packet) => {
        const sealed = new SrtpSender(key).sealRtp(packet)
        const clearEnd = headerEnd(packet)
        const { rtpTagBytes } = SRTP_SUITES[key.suite]
        expect(sealed.length).toBe(packet.length + rtpTagBytes + (key.mki?.length ?? 0))
        expect(sealed.subarray(0, clearEnd)).toEqual(packet.subarray(0, clearEnd))
        if (packet.length - clearEnd > 16) {
          expect(sealed.subarray(clearEnd, packet.length)).not.toEqual(packet.subarray(clearEnd))
        }
        expect(new SrtpReceiver(key).openRtp(sealed)).toEqual(packet)
      }),
    )
  })

  it('opens any compound that was sealed', () => {
    fc.assert(
      fc.property(keys, compounds, (key, compound) => {
        expect(new SrtpReceiver(key).openRtcp(new SrtpSender(key).sealRtcp(compound))).toEqual(compound)
      }),
    )
  })

  it('refuses any bytes at all, and never throws', () => {
    fc.assert(
      fc.property(keys, fc.uint8Array({ maxLength: 200 }), (key, bytes) => {
        const receiver = new SrtpReceiver(key)
        receiver.rekey(makeSrtpKey(key.suite))
        const copy = bytes.slice()
        expect(receiver.openRtp(bytes)).toMatch(/^(?:too-short|unauthentic)$/)
        expect(receiver.openRtcp(bytes)).toMatch(/^(?:too-short|unauthentic)$/)
        expect(bytes).toEqual(copy)
      }),
    )
  })

  it('opens a stream in any order of a window, each packet once', () => {
    const order = fc.shuffledSubarray(Array.from({ length: 100 }, (_, at) => at))
    fc.assert(
      fc.property(suites, fc.nat(0xffff), order, (suite, first, places) => {
        const key = makeSrtpKey(suite)
        const [sender, receiver] = [new SrtpSender(key), new SrtpReceiver(key)]
        const plain = Array.from({ length: 100 }, (_, at) =>
          Uint8Array.of(0x80, 0, ((first + at) >> 8) & 255, (first + at) & 255, ...Array(8).fill(1), at),
        )
        const sealed = plain.map((packet) => sender.sealRtp(packet))
        for (const place of places) expect(receiver.openRtp(sealed[place]!.slice())).toEqual(plain[place])
        for (const place of places) expect(receiver.openRtp(sealed[place]!)).toBe('replayed')
      }),
      { numRuns: 30 },
    )
  })
})

describe.each(SUITES)('%s', (suite) => {
  const key: SrtpKey = { ...makeSrtpKey(suite), mki: Uint8Array.of(1, 2) }
  const packet = Uint8Array.from([0x92, 0, 0, 9, ...Array(16).fill(3), 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const compound = Uint8Array.from([0x80, 201, 0, 5, ...Array(20).fill(3)])

  /** The MKI is no part of what is authenticated (RFC 3711 §3.1); there is only one key that it could name. */
  const isOfMki = (at: number, sealed: Uint8Array, plain: Uint8Array, behindTag: number): boolean => {
    const isAead = SRTP_SUITES[suite].authenticationKeyBytes === 0
    const start = isAead ? sealed.length - 2 : plain.length + behindTag
    return at === start || at === start + 1
  }

  it('refuses SRTP with any bit changed', () => {
    const sealed = new SrtpSender(key).sealRtp(packet)
    const receiver = new SrtpReceiver(key)
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const changed = sealed.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      if (isOfMki(bit >> 3, sealed, packet, 0)) continue
      expect(receiver.openRtp(changed), `bit ${bit}`).toMatch(/^(?:too-short|unauthentic)$/)
    }
    expect(receiver.openRtp(sealed)).toEqual(packet)
  })

  it('refuses SRTCP with any bit changed', () => {
    const sealed = new SrtpSender(key).sealRtcp(compound)
    const receiver = new SrtpReceiver(key)
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const changed = sealed.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      if (isOfMki(bit >> 3, sealed, compound, 4)) continue
      expect(receiver.openRtcp(changed), `bit ${bit}`).toBe('unauthentic')
    }
    expect(receiver.openRtcp(sealed)).toEqual(compound)
  })

  it('refuses packets that are cut anywhere, or longer', () => {
    const [rtp, rtcp] = [new SrtpSender(key).sealRtp(packet), new SrtpSender(key).sealRtcp(compound)]
    const receiver = new SrtpReceiver(key)
    for (let length = 0; length < rtp.length; length += 1) {
      expect(receiver.openRtp(rtp.slice(0, length)), `${length}`).toMatch(/^(?:too-short|unauthentic)$/)
    }
    for (let length = 0; length < rtcp.length; length += 1) {
      expect(receiver.openRtcp(rtcp.slice(0, length)), `${length}`).toMatch(/^(?:too-short|unauthentic)$/)
    }
    expect(receiver.openRtp(Uint8Array.of(...rtp, 0))).toBe('unauthentic')
    expect(receiver.openRtcp(Uint8Array.of(...rtcp, 0))).toBe('unauthentic')
    expect(receiver.openRtp(rtp.slice(0, 11))).toBe('too-short')
    expect(receiver.openRtcp(new Uint8Array())).toBe('too-short')
  })
})
