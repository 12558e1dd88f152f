import { describe, expect, it } from 'vitest'
import type { CodecName, PayloadFormat } from '../codecs/codec.ts'
import { encodeAlaw, encodeMulaw } from '../codecs/g711.ts'
import { openOpusEncoder } from '../codecs/opus-codec.ts'
import { concatBytes } from '../concat-bytes.ts'
import { wavHeaderBytes } from '../containers/wav-writer.ts'
import { openLinearDecoder } from './linear-decoder.ts'
import { MixEncoder, type MixFormat } from './mix-encoder.ts'
import type { Piece } from './track.ts'

const MULAW: MixFormat = { codec: 'pcm_mulaw', channels: 2, sampleRateHz: 8_000 }
const LINEAR: MixFormat = { codec: 'pcm_s16le', channels: 2, sampleRateHz: 16_000 }
const formatOf = (codec: CodecName, clockRateHz = 8_000): PayloadFormat => ({
  codec,
  clockRateHz,
  payloadType: 0,
  channels: 1,
})

const audio = (bytes: Uint8Array, track = 0, ticks = bytes.length): Piece => ({ kind: 'audio', ticks, bytes, track })
const gap = (ticks: number, track = 0): Piece => ({ kind: 'gap', ticks, track })

const mixOf = async (format: MixFormat, ...lines: readonly (readonly [PayloadFormat, number])[]) => {
  const encoder = new MixEncoder(format)
  for (const [track, [payload, channel]] of lines.entries())
    encoder.add(track, { decoder: await openLinearDecoder(payload, format.sampleRateHz), channel })
  return encoder
}
const samplesOf = (bytes: Uint8Array): Int16Array => new Int16Array(bytes.slice().buffer)
const channelOf = (samples: Int16Array, channel: number): Int16Array => samples.filter((_, at) => at % 2 === channel)
const tone = (hz: number, rateHz: number, count: number): Int16Array =>
  Int16Array.from({ length: count }, (_, at) => Math.round(10_000 * Math.sin((2 * Math.PI * hz * at) / rateHz)))

describe('a mix of two streams in two channels', () => {
  it('has their codes side by side as they came', async () => {
    const encoder = await mixOf(MULAW, [formatOf('PCMU'), 0], [formatOf('PCMU'), 1])
    const left = Uint8Array.of(1, 2, 3, 0xff)
    const right = Uint8Array.of(200, 201, 202, 203)
    expect(encoder.encode([audio(left), audio(right, 1)])).toEqual(Uint8Array.of(1, 200, 2, 201, 3, 202, 0xff, 203))
  })

  it.each([
    ['µ-law', 'PCMU', 'pcm_mulaw'],
    ['A-law', 'PCMA', 'pcm_alaw'],
  ] as const)('gives every code of %s back as it was', async (_law, codec, wav) => {
    const encoder = await mixOf({ codec: wav, channels: 1, sampleRateHz: 8_000 }, [formatOf(codec), 0])
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code)
    expect(encoder.encode([audio(codes)])).toEqual(codes)
  })

  it('follows the channels, not the order of the streams', async () => {
    const encoder = await mixOf(MULAW, [formatOf('PCMU'), 1], [formatOf('PCMU'), 0])
    expect(encoder.encode([audio(Uint8Array.of(1)), audio(Uint8Array.of(2), 1)])).toEqual(Uint8Array.of(2, 1))
  })

  it('waits for the stream that is behind, and says how many frames are written', async () => {
    const encoder = await mixOf(MULAW, [formatOf('PCMU'), 0], [formatOf('PCMU'), 1])
    expect(encoder.encode([audio(Uint8Array.of(1, 2, 3)), audio(Uint8Array.of(9), 1)])).toEqual(Uint8Array.of(1, 9))
    expect(encoder.save()).toEqual({ frames: 1 })
    expect(encoder.encode([audio(Uint8Array.of(8, 7), 1)])).toEqual(Uint8Array.of(2, 8, 3, 7))
  })

  it('gives both laws their own sound in 16 bits', async () => {
    const encoder = await mixOf({ ...LINEAR, sampleRateHz: 8_000 }, [formatOf('PCMU'), 0], [formatOf('PCMA'), 1])
    const sound = tone(400, 8_000, 160)
    const both = samplesOf(encoder.encode([audio(encodeMulaw(sound)), audio(encodeAlaw(sound), 1)]))
    for (const channel of [0, 1]) {
      const heard = channelOf(both, channel)
      expect(Math.max(...heard.map((sample, at) => Math.abs(sample - (sound[at] as number))))).toBeLessThan(300)
    }
  })

  it('brings streams of two rates together without moving them', async () => {
    const encoder = await mixOf(LINEAR, [formatOf('PCMU'), 0], [formatOf('L16', 16_000), 1])
    const [slow, fast] = [tone(400, 8_000, 1_600), tone(400, 16_000, 3_200)]
    const big = new Uint8Array(fast.length * 2)
    for (const [at, sample] of fast.entries()) new DataView(big.buffer).setInt16(2 * at, sample)
    const bytes = encoder.encode([audio(encodeMulaw(slow)), audio(big, 1, 3_200)])
    const samples = samplesOf(concatBytes([bytes, encoder.finish(wavHeaderBytes('pcm_s16le')).tail]))
    const [left, right] = [channelOf(samples, 0), channelOf(samples, 1)]
    expect([left.length, right.length]).toEqual([3_200, 3_200])
    for (let at = 200; at < 3_000; at += 1)
      expect(Math.abs((left[at] as number) - (right[at] as number))).toBeLessThan(600)
  })

  it('decodes Opus, conceals what is lost for a moment and is silent after that', async () => {
    const encoder = await mixOf(LINEAR, [formatOf('opus', 48_000), 0], [formatOf('opus', 48_000), 1])
    const opus = await openOpusEncoder({ channels: 1, frameMs: 20 })
    const sound = tone(400, 48_000, 48_000)
    const pieces = Array.from({ length: 50 }, (_, n) => audio(opus.encode(sound.slice(n * 960, n * 960 + 960)), 0, 960))
    opus.free()
    const samples = samplesOf(encoder.encode([...pieces, gap(48_000), gap(96_000, 1)]))
    const left = channelOf(samples, 0)
    const loudness = (from: number, to: number) => Math.max(...left.subarray(from, to).map(Math.abs))
    expect(left.length).toBe(32_000)
    expect(loudness(8_000, 15_000)).toBeGreaterThan(8_000)
    expect(loudness(16_000, 16_200)).toBeGreaterThan(500)
    expect(loudness(20_000, 32_000)).toBe(0)
    encoder.free()
  })

  it('waits for a stream whose first packet reaches over what the others bring', async () => {
    const encoder = await mixOf(LINEAR, [formatOf('L16', 16_000), 0], [formatOf('opus', 48_000), 1])
    const early = encoder.encode([gap(80)])
    const late = encoder.encode([gap(240), gap(960, 1)])
    expect([early.length, late.length]).toEqual([0, 320 * 4])
    encoder.free()
  })

  it('takes only the end of audio that overlaps what was before', async () => {
    const encoder = await mixOf({ ...MULAW, channels: 1 }, [formatOf('PCMU'), 0])
    expect(encoder.encode([audio(Uint8Array.of(1, 2, 3, 4), 0, 2)])).toEqual(Uint8Array.of(3, 4))
  })

  it('goes on with the sample before where a clock was followed, and is silent where audio is missing', async () => {
    const encoder = await mixOf({ ...MULAW, channels: 1 }, [formatOf('PCMU'), 0])
    const bytes = encoder.encode([audio(Uint8Array.of(7)), gap(3), audio(Uint8Array.of(8)), gap(160)])
    expect(bytes.subarray(0, 5)).toEqual(Uint8Array.of(7, 7, 7, 7, 8))
    expect(new Set(bytes.subarray(5))).toEqual(new Set([0xff]))
  })
})

describe('a mix of several streams in one channel', () => {
  it('adds them up and never wraps around', async () => {
    const encoder = await mixOf(
      { ...LINEAR, channels: 1, sampleRateHz: 8_000 },
      [formatOf('PCMU'), 0],
      [formatOf('PCMU'), 0],
    )
    const [quiet, loud] = [encodeMulaw(Int16Array.of(1_000)), encodeMulaw(Int16Array.of(32_000))]
    const [sum, most] = samplesOf(
      encoder.encode([audio(concatBytes([quiet, loud])), audio(concatBytes([quiet, loud]), 1)]),
    )
    expect(Math.abs((sum ?? 0) - 2_000)).toBeLessThan(60)
    expect(most).toBe(32_767)
  })

  it('lets a stream join where the others have come to, held back samples included', async () => {
    const encoder = await mixOf(MULAW, [formatOf('PCMU'), 0], [formatOf('PCMU'), 1])
    encoder.encode([audio(Uint8Array.of(1, 2, 3)), audio(Uint8Array.of(9), 1)])
    encoder.add(2, { decoder: await openLinearDecoder(formatOf('PCMU'), 8_000), channel: 1 }, 3)
    const bytes = encoder.encode([audio(Uint8Array.of(4)), gap(3, 1), audio(Uint8Array.of(5), 2)])
    // Two frames were held back; the new stream's only sample belongs to the third. The gap repeats the sample before it.
    expect([bytes[0], bytes[2], bytes[4]]).toEqual([2, 3, 4])
    expect(bytes[1]).toBe(9)
    expect(bytes[5]).not.toBe(9)
  })
})

describe('the end of a mix', () => {
  it('fills up the shorter stream, and an odd length', async () => {
    const encoder = await mixOf({ ...MULAW, channels: 1 }, [formatOf('PCMU'), 0], [formatOf('PCMU'), 0])
    expect(encoder.encode([audio(Uint8Array.of(1, 2, 3))]).length).toBe(0)
    const head = wavHeaderBytes('pcm_mulaw')
    const { tail, head: header } = encoder.finish(head)
    expect(tail.length).toBe(4)
    expect(new DataView(header.buffer).getUint32(head - 4, true)).toBe(3)
  })
})
