import { describe, expect, it, onTestFinished } from 'vitest'
import { type OpusEncoderOptions, openOpusDecoder, openOpusEncoder } from './opus-codec.ts'
import { OPUS_QUANTUM_TICKS, opusGap } from './opus-gap.ts'
import { opusDurationTicks } from './opus-packet.ts'

const TICKS_PER_MS = 48
const CONCEALED_TICKS = 200 * TICKS_PER_MS
/** What a decoder still has of the sound before, when silence begins. */
const LEFT_TICKS = 6 * TICKS_PER_MS
/** The first byte of a packet of each configuration (RFC 6716 §3.1), mono and stereo. */
const TOCS = Array.from({ length: 64 }, (_, index) => index << 2)
const stereoBit = (toc: number): number => toc & 4
const modeOf = (toc: number): string => (toc >> 3 < 12 ? 'SILK' : toc >> 3 < 16 ? 'hybrid' : 'CELT')

const ticksOf = (frames: ReturnType<typeof opusGap>): number => frames.reduce((sum, { ticks }) => sum + ticks, 0)

describe('opusGap', () => {
  it('fills every multiple of 2.5 ms, and rounds anything else down', () => {
    for (let ticks = 0; ticks < 14_400; ticks += 40) {
      for (const toc of [undefined, 0x08, 0x68, 0xfc]) {
        const frames = opusGap(ticks, toc)
        // SILK has no frame shorter than 10 ms: what it cannot conceal is silence.
        expect(ticksOf(frames), `${ticks} after ${toc}`).toBe(ticks - (ticks % OPUS_QUANTUM_TICKS))
      }
    }
  })

  it.each(TOCS)('is made of packets as long as they say, behind a packet of contents %i', (toc) => {
    for (const { bytes, ticks } of opusGap(20_040, toc)) {
      expect(opusDurationTicks(bytes)).toBe(ticks)
      expect(stereoBit(bytes[0] as number)).toBe(stereoBit(toc))
    }
  })

  it('takes few packets for long gaps', () => {
    expect(opusGap(48_000 * 60, undefined).length).toBe(3000)
    expect(opusGap(48_000, 0x08).length).toBeLessThan(60)
  })

  it('asks decoders to conceal for 200 ms at most', () => {
    const concealing = opusGap(48_000, 0xf8).filter(({ bytes }) => bytes.length === 1)
    expect(ticksOf(concealing)).toBe(CONCEALED_TICKS)
    expect(opusGap(48_000, undefined).every(({ bytes }) => bytes.length === 3)).toBe(true)
  })
})

/** Something like a voice: harmonics of a pitch and a hiss, with a slow beat. */
const voice = (ticks: number, channels: number): Int16Array =>
  Int16Array.from({ length: ticks * channels }, (_, index) => {
    const seconds = Math.floor(index / channels) / 48_000
    const pitch = (harmonic: number) => Math.sin(2 * Math.PI * 140 * harmonic * seconds)
    return (
      6000 *
      (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * seconds)) *
      (pitch(1) + pitch(3) / 2 + pitch(7) / 4 + Math.sin(index ** 2) / 4)
    )
  })

const MODES: readonly (readonly [mode: string, OpusEncoderOptions])[] = ([1, 2] as const).flatMap((channels) => [
  ['SILK', { channels, frameMs: 20, bitrateBps: 8000 }],
  ['SILK', { channels, frameMs: 60, bitrateBps: 8000 }],
  ['hybrid', { channels, frameMs: 20, bitrateBps: 20_000 }],
  ['CELT', { channels, frameMs: 10, bitrateBps: 96_000, application: 'audio' }],
  ['CELT', { channels, frameMs: 2.5, bitrateBps: 96_000, application: 'low-delay' }],
])

describe.each(MODES)('behind %s: %o', (mode, options) => {
  const { channels, frameMs } = options
  const frameTicks = frameMs * TICKS_PER_MS

  const speak = async () => {
    const [encoder, decoder] = await Promise.all([openOpusEncoder(options), openOpusDecoder({ channels })])
    onTestFinished(() => {
      encoder.free()
      decoder.free()
    })
    const samples = voice(48_000, channels)
    const packets = Array.from({ length: Math.floor(48_000 / frameTicks) }, (_, index) =>
      encoder.encode(samples.subarray(index * frameTicks * channels, (index + 1) * frameTicks * channels)),
    )
    for (const packet of packets) decoder.decode(packet)
    const toc = packets.at(-1)?.[0] as number
    expect(modeOf(toc)).toBe(mode)
    const decode = (gap: ReturnType<typeof opusGap>) => gap.flatMap(({ bytes }) => [...(decoder.decode(bytes) ?? [])])
    return { decode, decoder, packets, toc }
  }

  it('is silent to the last bit once a decoder has concealed, and lasts as long as it should', async () => {
    const { decode, toc } = await speak()
    const heard = decode(opusGap(24_000, toc))
    expect(heard.length).toBe(24_000 * channels)
    expect(new Set(heard.slice((CONCEALED_TICKS + LEFT_TICKS) * channels))).toEqual(new Set([0]))
  })

  it('is silent from the first moment where nothing is to be concealed', async () => {
    const { decode, toc } = await speak()
    const heard = decode(
      opusGap(9_600, undefined).map(({ bytes, ticks }) => ({ bytes: withChannels(bytes, toc), ticks })),
    )
    expect(new Set(heard.slice(LEFT_TICKS * channels))).toEqual(new Set([0]))
  })

  it('lets what follows be heard', async () => {
    const { decode, decoder, packets, toc } = await speak()
    decode(opusGap(48_000, toc))
    const heard = packets.slice(0, 200 / frameMs).flatMap((packet) => [...(decoder.decode(packet) ?? [])])
    expect(heard.length).toBe(Math.floor(200 / frameMs) * frameTicks * channels)
    expect(Math.max(...heard)).toBeGreaterThan(3000)
  })
})

const withChannels = (bytes: Uint8Array, toc: number): Uint8Array => {
  const packet = Uint8Array.from(bytes)
  packet[0] = (packet[0] ?? 0) | stereoBit(toc)
  return packet
}
