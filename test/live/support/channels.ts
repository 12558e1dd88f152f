import { decodeWav } from '../../../src/audio/transcode/decode-wav.ts'
import { goertzel } from '../../../src/caller/listen.ts'

/** Every channel of a WAV. */
export interface Channels {
  readonly sampleRateHz: number
  readonly channels: readonly Float32Array[]
}

/** Decodes all channels of a WAV. */
export const decodeChannels = async (bytes: Uint8Array): Promise<Channels> => {
  const parts: Float32Array[][] = []
  let sampleRateHz = 0
  const source = (async function* () {
    yield bytes
  })()
  for await (const block of decodeWav(source)) {
    sampleRateHz = block.sampleRateHz
    for (const [index, channel] of block.channels.entries()) {
      parts[index] ??= []
      parts[index].push(channel as Float32Array)
    }
  }
  return { sampleRateHz, channels: parts.map(joined) }
}

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return samples
}

/** Which part of the power of a channel these frequencies have together, 0 to 1; 0 for silence. */
export const shareOf = (samples: Float32Array, frequenciesHz: readonly number[], sampleRateHz: number): number => {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  const heard = frequenciesHz.reduce((sum, each) => sum + goertzel(samples, each, sampleRateHz) / 2, 0)
  return power === 0 ? 0 : heard / power
}

/** The share of one frequency in the stretch of so many milliseconds that has most of it: tones that come again may undo each other over the whole. */
export const bestShareOf = (
  samples: Float32Array,
  frequencyHz: number,
  sampleRateHz: number,
  stretchMs = 100,
): number => {
  const length = (sampleRateHz * stretchMs) / 1000
  let best = 0
  for (let at = 0; at + length <= samples.length; at += length)
    best = Math.max(best, shareOf(samples.subarray(at, at + length), [frequencyHz], sampleRateHz))
  return best
}
