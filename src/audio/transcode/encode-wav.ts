import type { Encoder } from './pcm.ts'
import { Resampler } from './resampler.ts'

const HEADER_BYTES = 44
const BYTES_PER_SAMPLE = 2
const SIZE_MAX = 0xffffffff
const PCM = 1

/** Encodes 16-bit PCM WAV. The first bytes are a place for the header, which is known at the end. Longer than 4 GiB, its sizes are all ones (to the end). */
export const openWavEncoder = (rateHz?: number): Encoder => {
  let dataBytes = 0
  let shape = { channels: 1, sampleRateHz: rateHz ?? 8000 }
  let resamplers: readonly Resampler[] = []
  let hasBegun = false
  const begin = (): readonly Uint8Array[] => {
    if (hasBegun) return []
    hasBegun = true
    return [new Uint8Array(HEADER_BYTES)]
  }
  const write = (planes: readonly Float32Array[]): Uint8Array => {
    const bytes = interleave(planes)
    dataBytes += bytes.length
    return bytes
  }
  return {
    append({ channels, sampleRateHz }) {
      const opening = begin()
      shape = { channels: channels.length, sampleRateHz: rateHz ?? sampleRateHz }
      if (shape.sampleRateHz === sampleRateHz) return [...opening, write(channels)]
      if (resamplers.length === 0) resamplers = channels.map(() => new Resampler(sampleRateHz, shape.sampleRateHz))
      return [...opening, write(channels.map((plane, index) => (resamplers[index] as Resampler).append(plane)))]
    },
    finish: () => {
      const rest = resamplers.length > 0 ? [write(resamplers.map((resampler) => resampler.finish()))] : []
      return { bytes: [...begin(), ...rest], header: formatHeader(shape, dataBytes) }
    },
  }
}

/** Bytes of a WAV that {@link openWavEncoder} makes of so many frames at `fromHz`. */
export const wavByteSize = (
  { channels, sampleRateHz }: { readonly channels: number; readonly sampleRateHz: number },
  frames: number,
  fromHz: number,
): number => HEADER_BYTES + Math.ceil((frames * sampleRateHz) / fromHz) * channels * BYTES_PER_SAMPLE

const interleave = (channels: readonly Float32Array[]): Uint8Array => {
  const frames = channels[0]?.length ?? 0
  const samples = new Int16Array(frames * channels.length)
  for (const [index, plane] of channels.entries()) {
    for (let frame = 0; frame < frames; frame += 1) {
      const value = Math.round((plane[frame] ?? 0) * 32_768)
      samples[frame * channels.length + index] = Math.max(-32_768, Math.min(32_767, value))
    }
  }
  return new Uint8Array(samples.buffer)
}

const formatHeader = (
  shape: { readonly channels: number; readonly sampleRateHz: number },
  dataBytes: number,
): Uint8Array => {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  const text = (offset: number, word: string) => header.set(new TextEncoder().encode(word), offset)
  const blockAlign = shape.channels * BYTES_PER_SAMPLE
  text(0, 'RIFF')
  view.setUint32(4, Math.min(SIZE_MAX, dataBytes + HEADER_BYTES - 8), true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, PCM, true)
  view.setUint16(22, shape.channels, true)
  view.setUint32(24, shape.sampleRateHz, true)
  view.setUint32(28, shape.sampleRateHz * blockAlign, true)
  view.setUint16(32, blockAlign, true)
  view.setUint16(34, BYTES_PER_SAMPLE * 8, true)
  text(36, 'data')
  view.setUint32(40, Math.min(SIZE_MAX, dataBytes), true)
  return header
}
