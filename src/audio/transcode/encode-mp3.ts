import { createMp3Encoder } from 'wasm-media-encoders'
import type { Encoder, PcmBlock } from './pcm.ts'
import { Resampler } from './resampler.ts'

type Lame = Awaited<ReturnType<typeof createMp3Encoder>>
type Kbps = 32 | 64 | 128

/** The rates that MPEG layer III has. */
const RATES_HZ = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
const WIDEBAND_HZ = 32_000

/** The nearest rate that loses nothing, or the highest. */
const rateFor = (sampleRateHz: number): number => RATES_HZ.find((rate) => rate >= sampleRateHz) ?? 48_000

/** 32 kbit/s a channel for telephone audio, 64 for wideband. Constant: the encoder writes no table that would make a variable rate seekable. */
const bitrateFor = (sampleRateHz: number, channels: number): Kbps =>
  ((sampleRateHz >= WIDEBAND_HZ ? 64 : 32) * channels) as Kbps

/**
 * Encodes MP3 at a constant bit rate. One or two channels stay as they are; of more, even ones are mixed to the left and odd ones to the
 * right. Audio at a rate that MP3 does not have is resampled to the next one that it has.
 */
export const openMp3Encoder = async (): Promise<Encoder> => {
  const lame = await createMp3Encoder()
  let input: Input | undefined
  return {
    append(block) {
      input ??= new Input(lame, block)
      return input.append(block)
    },
    finish: () => ({ bytes: input?.finish() ?? [] }),
  }
}

/** An encoder that has been set up for the audio that came first. */
class Input {
  readonly #lame: Lame
  readonly #resamplers: readonly Resampler[] | undefined

  constructor(lame: Lame, { sampleRateHz, channels }: PcmBlock) {
    const rateHz = rateFor(sampleRateHz)
    const count = channels.length === 1 ? 1 : 2
    lame.configure({ sampleRate: rateHz as 8000, channels: count, bitrate: bitrateFor(rateHz, count) })
    this.#lame = lame
    const needsResampling = rateHz !== sampleRateHz
    this.#resamplers = needsResampling
      ? Array.from({ length: count }, () => new Resampler(sampleRateHz, rateHz))
      : undefined
  }

  append({ channels }: PcmBlock): readonly Uint8Array[] {
    const planes = channels.length <= 2 ? channels : [mix(channels, 0), mix(channels, 1)]
    return this.#encode(planes.map((plane, index) => this.#resamplers?.[index]?.append(plane) ?? plane))
  }

  finish(): readonly Uint8Array[] {
    const rest = this.#resamplers ? this.#encode(this.#resamplers.map((resampler) => resampler.finish())) : []
    return [...rest, Uint8Array.from(this.#lame.finalize())]
  }

  /** The encoder gives a view of its own memory, which the next call overwrites: hence the copy. */
  #encode(planes: readonly Float32Array[]): readonly Uint8Array[] {
    return (planes[0]?.length ?? 0) === 0
      ? []
      : [Uint8Array.from(this.#lame.encode(planes as [Float32Array, Float32Array]))]
  }
}

const mix = (channels: readonly Float32Array[], side: 0 | 1): Float32Array => {
  const mixed = channels.filter((_, index) => index % 2 === side)
  return Float32Array.from({ length: mixed[0]?.length ?? 0 }, (_, frame) => {
    const sum = mixed.reduce((total, plane) => total + (plane[frame] ?? 0), 0)
    return sum / mixed.length
  })
}
