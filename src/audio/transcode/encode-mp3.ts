import { createMp3Encoder } from 'wasm-media-encoders'
import { MP3_HEADER_BYTES, parseMp3Frame } from '../containers/mp3-frame.ts'
import { formatInfoFrame } from '../containers/mp3-info.ts'
import { ByteWindow } from '../probe/byte-window.ts'
import type { Encoder, PcmBlock } from './pcm.ts'
import { Resampler } from './resampler.ts'

type Lame = Awaited<ReturnType<typeof createMp3Encoder>>
type Kbps = 32 | 64 | 128

/** The rates that MPEG layer III has. */
const RATES_HZ = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
const WIDEBAND_HZ = 32_000

/** The nearest rate that loses nothing, or the highest. */
const rateFor = (sampleRateHz: number): number => RATES_HZ.find((rate) => rate >= sampleRateHz) ?? 48_000

/** 32 kbit/s a channel for telephone audio, 64 for wideband. Constant, so that players seek without a table. */
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
    finish: () => input?.finish() ?? { bytes: [] },
  }
}

/** LAME's own delay, which its tag tells players to skip; they know the decoder's. */
const DELAY_SAMPLES = 576

/** An encoder that has been set up for the audio that came first, and what it has made so far. */
class Input {
  readonly #lame: Lame
  readonly #resamplers: readonly Resampler[] | undefined
  readonly #made = new ByteWindow()
  #firstHeader: Uint8Array | undefined
  #inputSamples = 0
  #frames = 0
  #outputSamples = 0
  #byteSize = 0

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

  finish(): { readonly bytes: readonly Uint8Array[]; readonly header?: Uint8Array } {
    const rest = this.#resamplers ? this.#encode(this.#resamplers.map((resampler) => resampler.finish())) : []
    const bytes = [...rest, ...this.#count(this.#lame.finalize())]
    return this.#firstHeader ? { bytes, header: this.#infoFrame(this.#firstHeader) } : { bytes }
  }

  #encode(planes: readonly Float32Array[]): readonly Uint8Array[] {
    const samples = planes[0]?.length ?? 0
    this.#inputSamples += samples
    return samples === 0 ? [] : this.#count(this.#lame.encode(planes))
  }

  /** Counts frames as they pass, and sends an Info frame ahead of the first. The encoder gives a view of its own memory, hence the copy. */
  #count(view: Uint8Array): readonly Uint8Array[] {
    if (view.length === 0) return []
    const bytes = Uint8Array.from(view)
    this.#byteSize += bytes.length
    this.#made.append(bytes)
    const opening = this.#firstHeader ? [] : [this.#infoFrame(bytes)]
    this.#firstHeader ??= bytes.slice(0, MP3_HEADER_BYTES)
    for (let head = this.#made.peek(MP3_HEADER_BYTES); head; head = this.#made.peek(MP3_HEADER_BYTES)) {
      const frame = parseMp3Frame(head)
      if (!frame) break
      this.#frames += 1
      this.#outputSamples += frame.samples
      this.#made.skip(frame.byteSize)
    }
    return [...opening, bytes]
  }

  #infoFrame(firstHeader: Uint8Array): Uint8Array {
    return formatInfoFrame(firstHeader, {
      frames: this.#frames,
      byteSize: this.#byteSize,
      delaySamples: DELAY_SAMPLES,
      paddingSamples: Math.max(0, this.#outputSamples - DELAY_SAMPLES - this.#inputSamples),
    })
  }
}

const mix = (channels: readonly Float32Array[], side: 0 | 1): Float32Array => {
  const mixed = channels.filter((_, index) => index % 2 === side)
  return Float32Array.from({ length: mixed[0]?.length ?? 0 }, (_, frame) => {
    const sum = mixed.reduce((total, plane) => total + (plane[frame] ?? 0), 0)
    return sum / mixed.length
  })
}
