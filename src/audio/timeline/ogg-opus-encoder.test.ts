import fc from 'fast-check'
import { createEncoder } from 'libopus-wasm'
import { OggOpusDecoder } from 'ogg-opus-decoder'
import { describe, expect, it } from 'vitest'
import { oggPackets } from '../../../test/support/ogg.ts'
import { OPUS_QUANTUM_TICKS } from '../codecs/opus-gap.ts'
import { opusDurationTicks } from '../codecs/opus-packet.ts'
import { concatBytes } from '../concat-bytes.ts'
import { openProbe } from '../probe/probe.ts'
import { OggOpusEncoder } from './ogg-opus-encoder.ts'
import type { Piece } from './track.ts'

const SERIAL = 77
const HEADER_PACKETS = 2
const FRAME_TICKS = 960
const RATE_HZ = 48_000
/** A CELT frame of silence, 20 ms. */
const SILENT = Uint8Array.of(31 << 3, 0xff, 0xfe)

const open = (saved?: unknown) => new OggOpusEncoder({ channels: 1, serial: SERIAL, saved })
const audio = (bytes: Uint8Array = SILENT): Piece => ({ kind: 'audio', ticks: FRAME_TICKS, bytes })
const gap = (ticks: number): Piece => ({ kind: 'gap', ticks })
const ticksOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { ticks }) => sum + ticks, 0)

const packetsOf = (encoder: OggOpusEncoder, written: readonly Uint8Array[]): readonly Uint8Array[] =>
  oggPackets(concatBytes([encoder.begin(), ...written])).slice(HEADER_PACKETS)

const lengthOf = (packets: readonly Uint8Array[]): number =>
  packets.reduce((sum, packet) => sum + (opusDurationTicks(packet) ?? Number.NaN), 0)

const pieces = fc.array(
  fc.oneof(
    fc.constant(audio()),
    fc.integer({ min: 1, max: 3000 }).map(gap),
    fc.integer({ min: 1, max: OPUS_QUANTUM_TICKS }).map(gap),
  ),
  { maxLength: 80 },
)

describe('OggOpusEncoder', () => {
  it('is never further than 2.5 ms from where it should be, however odd its gaps are', () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const encoder = open()
        let [wantedTicks, writtenTicks] = [0, 0]
        for (const piece of all) {
          const written = encoder.encode([piece])
          wantedTicks += piece.ticks
          writtenTicks += written.length === 0 ? 0 : lengthOf(oggPackets(written))
          expect(wantedTicks - writtenTicks).toBeGreaterThanOrEqual(0)
          expect(wantedTicks - writtenTicks).toBeLessThan(OPUS_QUANTUM_TICKS)
        }
        expect(writtenTicks).toBe(lengthOf(packetsOf(open(), [open().encode(all)])))
      }),
    )
  })

  it('does not drift over an hour of gaps that are a third of a millisecond too long', () => {
    const encoder = open()
    let ticks = 0
    for (let count = 0; count < 90_000; count += 1) {
      const both = [audio(), gap(FRAME_TICKS + 16)]
      encoder.encode(both)
      ticks += ticksOf(both)
    }
    const { writer } = encoder.save() as { readonly writer: { readonly granule: number } }
    expect(ticks - writer.granule).toBeLessThan(OPUS_QUANTUM_TICKS)
  })

  it('writes the same packets whether a gap comes whole or in many calls of odd lengths', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 }), (cuts) => {
        const total = cuts.reduce((sum, ticks) => sum + ticks, 0)
        const [whole, cut] = [open(), open()]
        const inOne = packetsOf(open(), [whole.encode([audio(), gap(total), audio()])])
        const parts = [cut.encode([audio()]), ...cuts.map((ticks) => cut.encode([gap(ticks)])), cut.encode([audio()])]
        const inMany = packetsOf(open(), parts)
        expect(lengthOf(inMany)).toBe(lengthOf(inOne))
        expect([inMany.at(0), inMany.at(-1)]).toEqual([inOne.at(0), inOne.at(-1)])
      }),
    )
  })

  it('goes on after a crash with the same bytes', () => {
    fc.assert(
      fc.property(pieces, fc.nat(80), (all, cutAt) => {
        const whole = open()
        const first = open()
        const inOne = [
          whole.begin(),
          whole.encode(all.slice(0, cutAt)),
          whole.encode(all.slice(cutAt)),
          whole.finish().tail,
        ]
        const begun = [first.begin(), first.encode(all.slice(0, cutAt))]
        const second = open(JSON.parse(JSON.stringify(first.save())))
        const inTwo = [...begun, second.encode(all.slice(cutAt)), second.finish().tail]
        expect(concatBytes(inTwo)).toEqual(concatBytes(inOne))
      }),
    )
  })

  it('asks decoders to conceal for 200 ms at most, in however many pieces a gap comes, and over a crash', () => {
    const first = open()
    const before = [first.encode([audio()]), ...Array.from({ length: 30 }, () => first.encode([gap(200)]))]
    const second = open(JSON.parse(JSON.stringify(first.save())))
    const behind = Array.from({ length: 100 }, () => second.encode([gap(201)]))
    const packets = packetsOf(open(), [...before, ...behind]).slice(1)
    const concealing = packets.findIndex((packet) => packet.length > 1)
    expect(lengthOf(packets.slice(0, concealing))).toBe(200 * 48)
    expect(packets.slice(concealing).every((packet) => packet.length === 3)).toBe(true)
    const next = packetsOf(open(), [second.encode([audio(), gap(FRAME_TICKS)])])
    expect(next.map(({ length }) => length)).toEqual([3, 1])
  })

  it('leaves the beginning of the file as it is', () => {
    const encoder = open()
    const byteSize = encoder.begin().length + encoder.encode([audio()]).length
    expect(encoder.headAt(0)).toHaveLength(0)
    expect(encoder.finish().head).toHaveLength(0)
    expect(byteSize).toBeGreaterThan(0)
  })

  it('says two channels when packets of two have come, but not of what could not be written', () => {
    const encoder = open()
    encoder.encode([audio()])
    const written = encoder.content
    const { bytes } = audio() as { readonly bytes: Uint8Array }
    const stereo = Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte | 4 : byte))
    encoder.encode([{ ...audio(), bytes: stereo } as Piece])
    expect(encoder.content.channels).toBe(2)
    expect(encoder.headAt(0, written)).toHaveLength(0)
    const head = encoder.headAt(0)
    expect([head.length, head[37]]).toEqual([encoder.begin().length, 2])
    expect(encoder.finish().head).toEqual(head)
  })
})

/** A tone of a second with a stretch that never came; what decoders make of it. */
describe('OggOpusEncoder, heard', () => {
  const TONE_HZ = 440
  const [FRAMES, LOST_FROM, LOST_TO] = [100, 30, 70] as const

  const tonePackets = async (): Promise<readonly Uint8Array[]> => {
    const encoder = await createEncoder({ channels: 1, sampleRate: RATE_HZ, frameSize: FRAME_TICKS, application: 2049 })
    try {
      return Array.from({ length: FRAMES }, (_, frame) => {
        const at = (tick: number) => 2 * Math.PI * TONE_HZ * ((frame * FRAME_TICKS + tick) / RATE_HZ)
        const samples = Int16Array.from({ length: FRAME_TICKS }, (_, tick) => 12_000 * Math.sin(at(tick)))
        return encoder.encode(samples).slice()
      })
    } finally {
      encoder.free()
    }
  }

  const decode = async (file: Uint8Array) => {
    const decoder = new OggOpusDecoder()
    await decoder.ready
    try {
      return await decoder.decodeFile(file)
    } finally {
      decoder.free()
    }
  }

  const levelOf = (samples: Float32Array, fromFrame: number, toFrame: number): number => {
    const part = samples.subarray(fromFrame * FRAME_TICKS, toFrame * FRAME_TICKS)
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length)
  }

  it('is as long as it was, silent where it was lost, and whole on both sides', async () => {
    const encoder = open()
    const packets = await tonePackets()
    const file = concatBytes([
      encoder.begin(),
      encoder.encode(packets.slice(0, LOST_FROM).map((bytes) => audio(bytes))),
      encoder.encode([gap((LOST_TO - LOST_FROM) * FRAME_TICKS)]),
      encoder.encode(packets.slice(LOST_TO).map((bytes) => audio(bytes))),
      encoder.finish().tail,
    ])
    const { samplesDecoded, errors, channelData } = await decode(file)
    expect({ samplesDecoded, errors }).toEqual({ samplesDecoded: FRAMES * FRAME_TICKS, errors: [] })
    const samples = channelData[0] as Float32Array
    const tone = 12_000 / 32_768 / Math.SQRT2
    expect(levelOf(samples, 5, LOST_FROM)).toBeCloseTo(tone, 1)
    // Decoders conceal the first 200 ms of a gap, and fade over them.
    expect(levelOf(samples, LOST_FROM + 12, LOST_TO)).toBeLessThan(1e-4)
    expect(levelOf(samples, LOST_TO + 2, FRAMES)).toBeCloseTo(tone, 1)
    const probe = openProbe()
    probe.append(file)
    expect(probe.finish()).toMatchObject({ codec: 'opus', durationMs: FRAMES * 20 })
  })
})
