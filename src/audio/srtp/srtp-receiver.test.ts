import { describe, expect, it } from 'vitest'
import { formatRtp } from '../rtp/packet.ts'
import { ReceivingContext } from './receiving-context.ts'
import { REPLAY_WINDOW } from './replay-window.ts'
import { SOURCES_MAX } from './source-windows.ts'
import { makeSrtpKey, SRTP_SUITES, type SrtpSuite } from './srtp-key.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'

const SUITES = Object.keys(SRTP_SUITES) as SrtpSuite[]
const SUITE: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80'

const rtp = (sequence: number, ssrc = 1): Uint8Array =>
  formatRtp(
    { payloadType: 0, marker: false, sequence: sequence % 0x10000, timestamp: 160 * sequence, ssrc },
    Uint8Array.of(sequence & 255, 2, 3),
  )

/** A sender and a receiver of one key; the sender has counted to a sequence number of any round. */
const pair = (suite: SrtpSuite = SUITE) => {
  const key = makeSrtpKey(suite)
  const [sender, receiver] = [new SrtpSender(key), new SrtpReceiver(key)]
  return { key, sender, receiver, pass: (sequence: number) => receiver.openRtp(sender.sealRtp(rtp(sequence))) }
}

/** Numbers from one to another, both included, a step apart: what a sender counts over without anything of it being heard. */
const range = (from: number, to: number, step = 1): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => from + at * step)

describe.each(SUITES)('%s', (suite) => {
  it('opens what was sealed, once', () => {
    const { sender, receiver } = pair(suite)
    const sealed = sender.sealRtp(rtp(5))
    expect(receiver.openRtp(sealed.slice())).toEqual(rtp(5))
    expect(receiver.openRtp(sealed)).toBe('replayed')
  })

  it('decrypts in place, and leaves a packet that it refuses as it was', () => {
    const { sender, receiver } = pair(suite)
    const sealed = sender.sealRtp(rtp(5))
    const copy = sealed.slice()
    expect(new SrtpReceiver(makeSrtpKey(suite)).openRtp(sealed)).toBe('unauthentic')
    expect(sealed).toEqual(copy)
    expect(receiver.openRtp(sealed)).toHaveProperty('buffer', sealed.buffer)
    expect(sealed.subarray(0, 15)).toEqual(rtp(5))
  })

  it('opens a packet within a larger buffer', () => {
    const { sender, receiver } = pair(suite)
    const sealed = sender.sealRtp(rtp(5))
    const around = new Uint8Array(sealed.length + 20).fill(9)
    around.set(sealed, 7)
    expect(receiver.openRtp(around.subarray(7, 7 + sealed.length))).toEqual(rtp(5))
    expect(around.subarray(7 + sealed.length)).toEqual(new Uint8Array(13).fill(9))
  })

  it('counts on over the end of a round, also out of order', () => {
    const { sender, receiver } = pair(suite)
    const numbers = [0xfffd, 0x10000, 0xfffe, 0x10001, 0xffff]
    const sealed = range(0xfffd, 0x10001).map((number) => sender.sealRtp(rtp(number)))
    for (const number of numbers) expect(receiver.openRtp(sealed[number - 0xfffd]!)).toEqual(rtp(number))
  })

  it('opens SRTCP, once, in any order', () => {
    const { sender, receiver } = pair(suite)
    const compound = Uint8Array.of(0x80, 201, 0, 2, 0, 0, 0, 7, 1, 2, 3, 4)
    const [first, second] = [sender.sealRtcp(compound), sender.sealRtcp(compound)]
    expect(receiver.openRtcp(second.slice())).toEqual(compound)
    expect(receiver.openRtcp(first)).toEqual(compound)
    expect(receiver.openRtcp(second)).toBe('replayed')
  })
})

describe('replay (RFC 3711 §3.3.2)', () => {
  it('takes what is late within the window, once, and nothing from behind it', () => {
    const { sender, receiver } = pair()
    const sealed = range(1000, 1000 + REPLAY_WINDOW).map((number) => sender.sealRtp(rtp(number)))
    expect(receiver.openRtp(sealed[REPLAY_WINDOW]!.slice())).toEqual(rtp(1000 + REPLAY_WINDOW))
    expect(receiver.openRtp(sealed[1]!.slice())).toEqual(rtp(1001))
    expect(receiver.openRtp(sealed[1]!.slice())).toBe('replayed')
    expect(receiver.openRtp(sealed[0]!)).toBe('replayed')
  })

  it('is not moved by a forged packet', () => {
    const { sender, receiver } = pair()
    const sealed = range(1, 3).map((number) => sender.sealRtp(rtp(number)))
    expect(receiver.openRtp(sealed[0]!)).toEqual(rtp(1))
    const forged = new SrtpSender(makeSrtpKey(SUITE)).sealRtp(rtp(20_000))
    expect(receiver.openRtp(forged)).toBe('unauthentic')
    const changed = sealed[1]!.slice()
    changed[13]! ^= 1
    expect(receiver.openRtp(changed)).toBe('unauthentic')
    expect(receiver.openRtp(sealed[1]!)).toEqual(rtp(2))
    expect(receiver.openRtp(sealed[2]!)).toEqual(rtp(3))
  })

  it('keeps SRTCP of each source apart', () => {
    const { sender, receiver } = pair()
    const compound = (ssrc: number) => Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, ssrc)
    const late = sender.sealRtcp(compound(1))
    for (const _ of range(1, 200)) sender.sealRtcp(compound(2))
    expect(receiver.openRtcp(sender.sealRtcp(compound(2)))).toEqual(compound(2))
    expect(receiver.openRtcp(late)).toEqual(compound(1))
  })
})

describe('the rollover counter (§3.3.1)', () => {
  it('is found again when half a round and more was lost', () => {
    for (const lost of [0x7fff, 0x8000, 0x8001, 0xbfff, 0x10000, 0x14000, 0x17ffe]) {
      const { pass, sender } = pair()
      expect(pass(50_000)).toEqual(rtp(50_000))
      for (const number of range(60_000, 50_000 + lost, 10_000)) sender.sealRtp(rtp(number))
      for (const number of range(50_001 + lost, 50_010 + lost)) expect(pass(number), `${lost}`).toEqual(rtp(number))
    }
  })

  it('is found when a sender began just before the end of its first round and that was lost', () => {
    const { pass, sender } = pair()
    sender.sealRtp(rtp(0xffff))
    expect(pass(0x10000)).toEqual(rtp(0x10000))
    expect(pass(0x10001)).toEqual(rtp(0x10001))
  })

  it('takes a first packet that is overtaken by the second round', () => {
    const { sender, receiver } = pair()
    const [last, next] = [sender.sealRtp(rtp(0xffff)), sender.sealRtp(rtp(0x10000))]
    expect(receiver.openRtp(next)).toEqual(rtp(0x10000))
    expect(receiver.openRtp(last)).toEqual(rtp(0xffff))
  })

  it('is each source’s own', () => {
    const { sender, receiver } = pair()
    for (const number of range(0, 0x30000, 0x4000)) sender.sealRtp(rtp(number, 1))
    for (const number of range(0, 0x30000, 0x4000)) receiver.openRtp(sender.sealRtp(rtp(number, 2)))
    expect(receiver.openRtp(sender.sealRtp(rtp(7, 3)))).toEqual(rtp(7, 3))
    expect(receiver.openRtp(sender.sealRtp(rtp(0x30001, 2)))).toEqual(rtp(0x30001, 2))
    expect(receiver.openRtp(sender.sealRtp(rtp(0x30001, 1)))).toBe('unauthentic')
  })
})

describe('sources', () => {
  it('are forgotten only for authentic ones, the one that was silent longest first', () => {
    const { key, receiver } = pair()
    const sealed = range(1, SOURCES_MAX + 1).map((ssrc) => new SrtpSender(key).sealRtp(rtp(9, ssrc)))
    for (const bytes of sealed.slice(0, SOURCES_MAX)) expect(receiver.openRtp(bytes.slice())).not.toBeTypeOf('string')
    for (const ssrc of range(1000, 3000)) {
      expect(
        receiver.openRtp(new SrtpSender({ ...key, keySalt: key.keySalt.toReversed() }).sealRtp(rtp(9, ssrc))),
      ).toBe('unauthentic')
    }
    for (const bytes of sealed.slice(0, SOURCES_MAX)) expect(receiver.openRtp(bytes.slice())).toBe('replayed')
    // The first speaks again, the second is forgotten.
    expect(receiver.openRtp(new SrtpSender(key).sealRtp(rtp(10, 1)))).toEqual(rtp(10, 1))
    expect(receiver.openRtp(sealed[SOURCES_MAX]!)).not.toBeTypeOf('string')
    expect(receiver.openRtp(sealed[0]!.slice())).toBe('replayed')
    expect(receiver.openRtp(sealed[2]!.slice())).toBe('replayed')
    expect(receiver.openRtp(sealed[1]!.slice())).toEqual(rtp(9, 2))
  })
})

describe('rekey', () => {
  const OLD_KEY_PACKETS = 1_000

  it.each(SUITES)('goes on with a sender of %s that counts on', (suite) => {
    const { sender, receiver, pass } = pair()
    for (const number of range(0, 0x28000, 0x4000)) pass(number)
    const key = makeSrtpKey(suite)
    sender.rekey(key)
    receiver.rekey(key)
    for (const number of range(0x28001, 0x38000, 0x4000)) expect(pass(number)).toEqual(rtp(number))
  })

  it('goes on with a sender that counts anew, from 0 or over the end of a round', () => {
    for (const first of [100, 0x10000]) {
      const { receiver, pass } = pair()
      for (const number of range(0, 0x28000, 0x4000)) pass(number)
      const key = makeSrtpKey(SUITE)
      const next = new SrtpSender(key)
      receiver.rekey(key)
      if (first >= 0x10000) next.sealRtp(rtp(first - 1))
      for (const number of range(first, first + 20)) {
        expect(receiver.openRtp(next.sealRtp(rtp(number)))).toEqual(rtp(number))
      }
    }
  })

  it('takes what is under way under the old key, each once, and no more after a while', () => {
    const { sender, receiver } = pair()
    const late = range(0, 1).map((number) => sender.sealRtp(rtp(number)))
    receiver.openRtp(late[0]!.slice())
    const key = makeSrtpKey(SUITE)
    receiver.rekey(key)
    const next = new SrtpSender(key)
    expect(receiver.openRtp(next.sealRtp(rtp(3)))).toEqual(rtp(3))
    expect(receiver.openRtp(late[1]!)).toEqual(rtp(1))
    expect(receiver.openRtp(late[0]!)).toBe('replayed')
    for (const number of range(4, 4 + OLD_KEY_PACKETS)) receiver.openRtp(next.sealRtp(rtp(number)))
    expect(receiver.openRtp(sender.sealRtp(rtp(1_500)))).toBe('unauthentic')
  })

  it('gives a sender that never changes only so long', () => {
    const { receiver, pass } = pair()
    receiver.rekey(makeSrtpKey(SUITE))
    for (const number of range(1, OLD_KEY_PACKETS)) expect(pass(number)).toEqual(rtp(number))
    expect(pass(OLD_KEY_PACKETS + 1)).toBe('unauthentic')
  })

  it('keeps in mind what came when the key is the same again, or the one before', () => {
    const { key, sender, receiver } = pair()
    const sealed = sender.sealRtp(rtp(1))
    receiver.openRtp(sealed.slice())
    receiver.rekey({ ...key, keySalt: key.keySalt.slice() })
    expect(receiver.openRtp(sealed.slice())).toBe('replayed')
    receiver.rekey(makeSrtpKey(SUITE))
    receiver.rekey(key)
    expect(receiver.openRtp(sealed.slice())).toBe('replayed')
    expect(receiver.openRtp(sender.sealRtp(rtp(2)))).toEqual(rtp(2))
  })

  it('takes SRTCP of both keys, whose sender counts on', () => {
    const { sender, receiver } = pair()
    const compound = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 7)
    const late = sender.sealRtcp(compound)
    const key = makeSrtpKey('AEAD_AES_128_GCM')
    sender.rekey(key)
    receiver.rekey(key)
    const sealed = sender.sealRtcp(compound)
    expect(sealed.at(-1)).toBe(1)
    expect(receiver.openRtcp(sealed)).toEqual(compound)
    expect(receiver.openRtcp(late.slice())).toEqual(compound)
    expect(receiver.openRtcp(late)).toBe('replayed')
  })
})

describe('a change of keys', () => {
  it('any number of times keeps no more sources in mind than one key has', () => {
    let earlier: ReadonlyMap<number, number> = new Map()
    for (let round = 0; round < 5; round += 1) {
      const key = makeSrtpKey(SUITE)
      const [sender, context] = [new SrtpSender(key), new ReceivingContext(key, earlier)]
      for (const ssrc of range(1, SOURCES_MAX)) context.openRtp(sender.sealRtp(rtp(7, 100 * round + ssrc)))
      earlier = context.highest
    }
    expect([...earlier.keys()]).toEqual(range(401, 400 + SOURCES_MAX))
  })
})

describe('a key of another length', () => {
  it.each(SUITES)('is refused without a word of it, %s', (suite) => {
    const key = { suite, keySalt: new Uint8Array(29).fill(0x41) }
    expect(() => new SrtpReceiver(key)).toThrow(RangeError)
    expect(() => new SrtpSender(key)).toThrow(/^A key of \w+ has another length\.$/)
  })

  it('is never made', () => {
    for (const suite of SUITES) {
      const [key, other] = [makeSrtpKey(suite), makeSrtpKey(suite)]
      expect(key.keySalt).not.toEqual(other.keySalt)
      expect(structuredClone(key)).toEqual(key)
      expect(key.keySalt.buffer.byteLength).toBe(key.keySalt.length)
    }
  })
})

describe('SrtpSender', () => {
  it('refuses what would give its keystream away, and what is no packet', () => {
    const { sender } = pair()
    for (const ssrc of range(1, SOURCES_MAX)) sender.sealRtp(rtp(1, ssrc))
    expect(() => sender.sealRtp(rtp(1, SOURCES_MAX + 1))).toThrow(RangeError)
    expect(() => sender.sealRtp(rtp(2).subarray(0, 11))).toThrow(RangeError)
    expect(() => sender.sealRtcp(rtp(2).subarray(0, 7))).toThrow(RangeError)
  })
})
