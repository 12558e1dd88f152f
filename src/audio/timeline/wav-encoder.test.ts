import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CodecName } from '../codecs/codec.ts'
import { G722Decoder } from '../codecs/g722.ts'
import { concatBytes } from '../concat-bytes.ts'
import { wavHeaderBytes } from '../containers/wav-writer.ts'
import { openProbe } from '../probe/probe.ts'
import type { Piece } from './track.ts'
import { WavEncoder, type WavEncoderOptions } from './wav-encoder.ts'

/** A stream's codec, how it is stored, and bytes that come and go for each tick. */
interface Kind {
  readonly payload: CodecName
  readonly options: WavEncoderOptions
  readonly bytesPerTick: number
  readonly silence: number
}

const kind = (
  payload: CodecName,
  codec: WavEncoderOptions['codec'],
  more: {
    readonly rateHz?: number
    readonly samplesPerTick?: number
    readonly channels?: number
    readonly silence?: number
  },
): Kind => {
  const { rateHz = 8000, samplesPerTick = 1, channels = 1, silence = 0 } = more
  const bytesPerTick = payload === 'L16' ? 2 * channels : 1
  return { payload, options: { payload, codec, channels, sampleRateHz: rateHz, samplesPerTick }, bytesPerTick, silence }
}

const KINDS = [
  kind('PCMU', 'pcm_mulaw', { silence: 0xff }),
  kind('PCMA', 'pcm_alaw', { silence: 0xd5 }),
  kind('G722', 'pcm_s16le', { rateHz: 16_000, samplesPerTick: 2 }),
  kind('L16', 'pcm_s16le', { rateHz: 16_000 }),
  kind('L16', 'pcm_s16le', { rateHz: 44_100, channels: 2 }),
]

const audio = ({ bytesPerTick }: Kind, ticks: number): Piece => ({
  kind: 'audio',
  ticks,
  bytes: Uint8Array.from({ length: ticks * bytesPerTick }, (_, index) => (3 * index + ticks) & 255),
})
const gap = (ticks: number): Piece => ({ kind: 'gap', ticks })

const probe = (bytes: Uint8Array) => {
  const opened = openProbe()
  opened.append(bytes)
  return opened.finish()
}

/** A growing file as it lies, as it is read, and as it is when it has ended. */
const fileOf = ({ options }: Kind, pieces: readonly Piece[]) => {
  const encoder = new WavEncoder(options)
  const growing = concatBytes([encoder.begin(), ...pieces.map((piece) => encoder.encode([piece]))])
  const withHead = (head: Uint8Array, tail: Uint8Array) => concatBytes([head, growing.subarray(head.length), tail])
  const { head, tail } = encoder.finish(growing.length)
  const body = growing.subarray(wavHeaderBytes(options.codec))
  return {
    growing,
    body,
    read: withHead(encoder.headAt(growing.length), new Uint8Array(0)),
    ended: withHead(head, tail),
  }
}

describe.each(KINDS)('WavEncoder of $payload with $options.channels channels', (of) => {
  const { options } = of

  it('is measured exactly by our probe: growing, read while it grows, ended', () => {
    const pieces = fc.array(
      fc
        .record({ isGap: fc.boolean(), ticks: fc.integer({ min: 1, max: 500 }) })
        .map(({ isGap, ticks }) => (isGap ? gap(ticks) : audio(of, ticks))),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(pieces, (all) => {
        const file = fileOf(of, all)
        const samples = all.reduce((sum, { ticks }) => sum + ticks, 0) * options.samplesPerTick
        const durationMs = Math.round((samples * 1000) / options.sampleRateHz)
        const { codec, channels, sampleRateHz } = options
        for (const bytes of [file.growing, file.read, file.ended])
          expect(probe(bytes)).toEqual({ format: 'wav', codec, channels, sampleRateHz, durationMs })
        expect(file.ended.length % 2).toBe(0)
      }),
    )
  })

  it('makes silence of gaps', () => {
    const { body } = fileOf(of, [gap(160)])
    expect(body.length).toBe(160 * options.samplesPerTick * options.channels * (options.codec === 'pcm_s16le' ? 2 : 1))
    expect(body.every((byte) => byte === of.silence)).toBe(true)
  })
})

describe('WavEncoder', () => {
  const [mulaw, , g722, l16] = KINDS as [Kind, Kind, Kind, Kind]

  it('keeps G.711 as it came', () => {
    const piece = audio(mulaw, 161) as Piece & { readonly kind: 'audio' }
    const { body, ended, growing } = fileOf(mulaw, [piece])
    expect([...body]).toEqual([...piece.bytes])
    expect([ended.length - growing.length, ended.at(-1)]).toEqual([1, 0])
  })

  it('turns the bytes of L16 round', () => {
    const { body } = fileOf(l16, [{ kind: 'audio', ticks: 2, bytes: Uint8Array.of(0x12, 0x34, 0xff, 0x00) }])
    expect([...body]).toEqual([0x34, 0x12, 0x00, 0xff])
  })

  it('decodes G.722 over packets as one stream', () => {
    const pieces = [160, 80, 161].map((ticks) => audio(g722, ticks) as Piece & { readonly kind: 'audio' })
    const samples = new G722Decoder().decode(concatBytes(pieces.map(({ bytes }) => bytes)))
    const view = new DataView(samples.buffer)
    const { body } = fileOf(g722, pieces)
    expect([...body]).toEqual(Array.from({ length: samples.length * 2 }, (_, at) => view.getUint8(at)))
  })

  it('keeps the length of its beginning, whatever it says', () => {
    for (const { options } of KINDS) {
      const encoder = new WavEncoder(options)
      const lengths = [encoder.begin(), encoder.headAt(5 * 2 ** 30), encoder.finish(1001).head].map(
        ({ length }) => length,
      )
      expect(new Set(lengths)).toEqual(new Set([wavHeaderBytes(options.codec)]))
    }
  })
})
