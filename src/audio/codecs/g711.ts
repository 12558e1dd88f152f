const BIAS = 0x84
/** The largest magnitude that the bias leaves within 15 bits; louder samples get the last code. */
const MULAW_MAX = 32_635
const HALF = 32_768
const SAMPLES = 65_536

/** How far a sample is from zero. Negative ones lie one beside, as in the ITU's own code (G.191), so that both halves have as many. */
const magnitudeOf = (sample: number): number => (sample < 0 ? ~sample : sample)

/** One 16-bit sample as a µ-law code: sign, exponent and mantissa of the biased magnitude, all inverted (ITU-T G.711, table 2). */
const mulawOf = (sample: number): number => {
  const magnitude = Math.min(magnitudeOf(sample), MULAW_MAX) + BIAS
  const exponent = 24 - Math.clz32(magnitude)
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff
}

/** One 16-bit sample as an A-law code, every other bit inverted (table 1). */
const alawOf = (sample: number): number => {
  const magnitude = magnitudeOf(sample)
  const exponent = Math.max(0, 24 - Math.clz32(magnitude))
  const mantissa = (magnitude >> Math.max(4, exponent + 3)) & 15
  return ((sample < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55
}

const encoderOf = (codeOf: (sample: number) => number): ((samples: Int16Array) => Uint8Array) => {
  const codes = Uint8Array.from({ length: SAMPLES }, (_, index) => codeOf(index - HALF))
  return (samples) => {
    const bytes = new Uint8Array(samples.length)
    for (let index = 0; index < bytes.length; index += 1) {
      bytes[index] = codes[(samples[index] as number) + HALF] as number
    }
    return bytes
  }
}

/** 16-bit samples as µ-law, a byte each (ITU-T G.711, PCMU). Decoding is a table of `transcode/g711.ts`. */
export const encodeMulaw = encoderOf(mulawOf)
/** 16-bit samples as A-law, a byte each (ITU-T G.711, PCMA). */
export const encodeAlaw = encoderOf(alawOf)
