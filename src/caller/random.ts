/** Gives numbers from 0 up to but not including 1. */
export type Random = () => number

const TWO_TO_32 = 4_294_967_296

/** Mixes two 32-bit numbers into one that looks like neither: every bit of both reaches every bit of the result. */
export const mix = (a: number, b: number): number => {
  let bits = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35)
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
  return (bits ^ (bits >>> 15)) >>> 0
}

/** A stream of numbers that follows from its seed alone (32 bits count), so that what failed can be played again. Good enough for faults, not for secrets. */
export const seededRandom = (seed: number): Random => {
  let count = 0
  return () => {
    count += 1
    return mix(seed, count) / TWO_TO_32
  }
}

/** A whole number from `min` to `max`, both included. */
export const randomWhole = (random: Random, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1))
