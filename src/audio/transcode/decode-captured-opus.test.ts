import { describe, expect, it } from 'vitest'
import { openOpusEncoder } from '../codecs/opus-codec.ts'
import { OggOpusEncoder } from '../timeline/ogg-opus-encoder.ts'
import type { Piece } from '../timeline/track.ts'
import { decodeCapturedOpus } from './decode-captured-opus.ts'

const FRAME_TICKS = 960
const RATE_HZ = 48_000
const SERIAL = 7

/** A second of speech-like sound whose every frame has a pitch of its own, so that a frame in the wrong place shows. */
const soundOf = (frame: number): Int16Array => {
  const hz = 200 + 40 * (frame % 10)
  return Int16Array.from({ length: FRAME_TICKS }, (_, index) => {
    const seconds = (frame * FRAME_TICKS + index) / RATE_HZ
    return 9000 * Math.sin(2 * Math.PI * hz * seconds) + 3000 * Math.sin(2 * Math.PI * 2 * hz * seconds)
  })
}

const packetsOf = async (count: number, fecForLossPercent: number): Promise<readonly Uint8Array[]> => {
  const encoder = await openOpusEncoder({ channels: 1, frameMs: 20, bitrateBps: 24_000, fecForLossPercent })
  const packets = Array.from({ length: count }, (_, frame) => encoder.encode(soundOf(frame)))
  encoder.free()
  return packets
}

/** The file that a call leaves of which these packets came, undefined ones excepted. */
const fileOf = (packets: readonly (Uint8Array | undefined)[]): Uint8Array => {
  const encoder = new OggOpusEncoder({ channels: 1, serial: SERIAL })
  const pieces = packets.map(
    (bytes): Piece => (bytes ? { kind: 'audio', ticks: FRAME_TICKS, bytes } : { kind: 'gap', ticks: FRAME_TICKS }),
  )
  return Buffer.concat([encoder.begin(), encoder.encode(pieces), encoder.finish().tail])
}

const decode = async (file: Uint8Array, chunkBytes = file.length): Promise<Float32Array> => {
  const source = (async function* () {
    for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes)
  })()
  const blocks = await Array.fromAsync(decodeCapturedOpus(source))
  return Float32Array.from(blocks.flatMap(({ channels }) => [...(channels[0] ?? [])]))
}

/** How much of one signal is another one, 0 to 1. */
const likeness = (a: Float32Array, b: Float32Array): number => {
  let [ab, aa, bb] = [0, 0, 0]
  for (const [index, value] of a.entries()) {
    ab += value * (b[index] ?? 0)
    aa += value * value
    bb += (b[index] ?? 0) ** 2
  }
  return ab / Math.sqrt(aa * bb || 1)
}

const without = (packets: readonly Uint8Array[], ...lost: readonly number[]) =>
  packets.map((packet, index) => (lost.includes(index) ? undefined : packet))

const frameOf = (samples: Float32Array, frame: number): Float32Array =>
  samples.subarray(frame * FRAME_TICKS, (frame + 1) * FRAME_TICKS)

describe('a captured Opus file', () => {
  it('is as long as its packets and gaps, in whichever pieces it comes', async () => {
    const file = fileOf(without(await packetsOf(40, 0), 5, 6, 7, 20))
    const whole = await decode(file)
    expect(whole.length).toBe(40 * FRAME_TICKS)
    for (const chunkBytes of [1, 7, 1000]) expect(await decode(file, chunkBytes)).toEqual(whole)
  })

  it('has what a packet repeats of the one before it, which was lost', async () => {
    const packets = await packetsOf(40, 30)
    const whole = await decode(fileOf(packets))
    const repaired = await decode(fileOf(without(packets, 21)))
    expect(repaired.length).toBe(whole.length)
    const guessed = await decode(fileOf(without(await packetsOf(40, 0), 21)))
    const [withFec = 0, withoutFec = 1] = [repaired, guessed].map((each) =>
      likeness(frameOf(whole, 21), frameOf(each, 21)),
    )
    expect(withFec).toBeGreaterThan(0.9)
    expect(withFec).toBeGreaterThan(withoutFec + 0.1)
  })

  it('of several lost in a row has the last', async () => {
    const lost = [18, 19, 20, 21]
    const packets = await packetsOf(40, 30)
    const whole = await decode(fileOf(packets))
    const repaired = await decode(fileOf(without(packets, ...lost)))
    const guessed = await decode(fileOf(without(await packetsOf(40, 0), ...lost)))
    expect(repaired.length).toBe(whole.length)
    const [withFec = 0, withoutFec = 1] = [repaired, guessed].map((each) =>
      likeness(frameOf(whole, 21), frameOf(each, 21)),
    )
    // After so long its phase is not that of the sender any more.
    expect(withFec).toBeGreaterThan(0.4)
    expect(withFec).toBeGreaterThan(withoutFec + 0.2)
  })

  it('that ends in a gap, or in the middle of a page, is heard to its end', async () => {
    const packets = await packetsOf(60, 0)
    expect((await decode(fileOf(without(packets, 58, 59)))).length).toBe(60 * FRAME_TICKS)
    const file = fileOf(packets)
    const cut = await decode(file.subarray(0, file.length - 500))
    expect(cut.length).toBe(50 * FRAME_TICKS)
  })

  it('of nothing is nothing', async () => {
    expect((await decode(fileOf([]))).length).toBe(0)
    expect((await decode(new Uint8Array(0))).length).toBe(0)
  })
})
