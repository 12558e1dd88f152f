const FULL_SCALE = 32_768
const BIAS = 0x84

/** One µ-law code as a 16-bit sample (ITU-T G.711). */
const decodeMulaw = (code: number): number => {
  const bits = ~code & 0xff
  const magnitude = (((bits & 15) << 3) + BIAS) << ((bits >> 4) & 7)
  return bits & 0x80 ? BIAS - magnitude : magnitude - BIAS
}

/** One A-law code as a 16-bit sample (ITU-T G.711). */
const decodeAlaw = (code: number): number => {
  const bits = code ^ 0x55
  const exponent = (bits >> 4) & 7
  const mantissa = ((bits & 15) << 4) + 8
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1)
  return bits & 0x80 ? magnitude : -magnitude
}

const tableOf = (decode: (code: number) => number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, code) => decode(code) / FULL_SCALE)

/** The sample of every µ-law code, −1 to 1. */
export const MULAW: Float32Array = tableOf(decodeMulaw)
/** The sample of every A-law code, −1 to 1. */
export const ALAW: Float32Array = tableOf(decodeAlaw)
