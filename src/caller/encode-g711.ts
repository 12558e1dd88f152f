import { ALAW, MULAW } from '../audio/transcode/g711.ts'

const SAMPLES = 65_536
const HALF = 32_768

/** The nearest code of every 16-bit sample, from the level of every code: an encoder that follows from the decoder. */
const nearestCodes = (levels: Float32Array): Uint8Array => {
  const codes = [...levels.keys()].sort((a, b) => (levels[a] as number) - (levels[b] as number))
  const nearest = new Uint8Array(SAMPLES)
  let index = 0
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const level = (sample - HALF) / HALF
    const distance = (at: number) => Math.abs((levels[codes[at] ?? 0] ?? Number.POSITIVE_INFINITY) - level)
    while (index + 1 < codes.length && distance(index + 1) <= distance(index)) index += 1
    nearest[sample] = codes[index] as number
  }
  return nearest
}

/** 16-bit samples as G.711. */
export type EncodeG711 = (samples: Int16Array) => Uint8Array

const encoderOf = (levels: Float32Array): EncodeG711 => {
  const codes = nearestCodes(levels)
  return (samples) => Uint8Array.from(samples, (sample) => codes[sample + HALF] as number)
}

/** ITU-T G.711 µ-law and A-law. */
export const encodeMulaw: EncodeG711 = encoderOf(MULAW)
export const encodeAlaw: EncodeG711 = encoderOf(ALAW)
