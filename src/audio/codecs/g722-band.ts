/** A 16-bit saturated value: every sum of the recommendation is one. */
export const saturate = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value)

/** How a band's scale factor follows its codes (ITU-T G.722 §3.5, LOGSCL/SCALEL and LOGSCH/SCALEH). */
export interface BandScale {
  readonly logLimit: number
  readonly shift: number
  readonly firstScale: number
}

export const LOW_BAND: BandScale = { logLimit: 18_432, shift: 8, firstScale: 32 }
export const HIGH_BAND: BandScale = { logLimit: 22_528, shift: 10, firstScale: 8 }

/** 2048 · 2^(n/32), the mantissas of scale factors (table 21, ILB). */
const MANTISSAS = Int32Array.from({ length: 32 }, (_, index) => Math.round(2048 * 2 ** (index / 32)))
const ZEROS = 6

/** One sub-band's adaptive predictor (§3.6: two poles, six zeros) and scale factor. The same in encoder and decoder. */
export class G722Band {
  readonly #scaling: BandScale
  #logScale = 0
  /** Quantiser scale factor, Δ. */
  scale: number
  /** Predicted sample. */
  prediction = 0
  #zeroPrediction = 0
  #pole1 = 0
  #pole2 = 0
  #reconstructed1 = 0
  #partial1 = 0
  #partial2 = 0
  readonly #zeros = new Int32Array(ZEROS)
  readonly #differences = new Int32Array(ZEROS)

  constructor(scaling: BandScale) {
    this.#scaling = scaling
    this.scale = scaling.firstScale
  }

  /** Adapts the scale factor by a code's multiplier. */
  adaptScale(multiplier: number): void {
    const { logLimit, shift } = this.#scaling
    const log = (Math.imul(this.#logScale, 127) >> 7) + multiplier
    this.#logScale = log < 0 ? 0 : log > logLimit ? logLimit : log
    const mantissa = MANTISSAS[(this.#logScale >> 6) & 31] as number
    const exponent = shift - (this.#logScale >> 11)
    this.scale = (exponent < 0 ? mantissa << -exponent : mantissa >> exponent) << 2
  }

  /** Adapts the predictor by the quantised difference of this sample, and predicts the next (block 4). */
  predict(difference: number): void {
    const reconstructed = saturate(this.prediction + difference)
    const partial = saturate(this.#zeroPrediction + difference)
    this.#adaptPoles(partial)
    this.#adaptZeros(difference)
    const doubled1 = saturate(2 * reconstructed)
    const doubled2 = saturate(2 * this.#reconstructed1)
    const poles = saturate((Math.imul(this.#pole1, doubled1) >> 15) + (Math.imul(this.#pole2, doubled2) >> 15))
    this.#reconstructed1 = reconstructed
    this.#partial2 = this.#partial1
    this.#partial1 = partial
    this.prediction = saturate(poles + this.#zeroPrediction)
  }

  /** UPPOL2 and UPPOL1. */
  #adaptPoles(partial: number): void {
    const sign = partial >> 15
    const isSame1 = sign === this.#partial1 >> 15
    const quadrupled = saturate(this.#pole1 << 2)
    const turned = isSame1 ? Math.min(32_767, -quadrupled) : quadrupled
    const step2 = (sign === this.#partial2 >> 15 ? 128 : -128) + (turned >> 7) + (Math.imul(this.#pole2, 32_512) >> 15)
    const pole2 = step2 > 12_288 ? 12_288 : step2 < -12_288 ? -12_288 : step2
    const step1 = saturate((isSame1 ? 192 : -192) + (Math.imul(this.#pole1, 32_640) >> 15))
    const limit = saturate(15_360 - pole2)
    this.#pole1 = step1 > limit ? limit : step1 < -limit ? -limit : step1
    this.#pole2 = pole2
  }

  /** UPZERO, DELAYA and FILTEZ: from the oldest to the newest, so that one pass does all. */
  #adaptZeros(difference: number): void {
    const zeros = this.#zeros
    const differences = this.#differences
    const step = difference === 0 ? 0 : 128
    const sign = difference >> 15
    let sum = 0
    for (let index = ZEROS - 1; index >= 0; index -= 1) {
      const before = differences[index] as number
      const turned = before >> 15 === sign ? step : -step
      const zero = saturate(turned + (Math.imul(zeros[index] as number, 32_640) >> 15))
      const next = index === 0 ? difference : (differences[index - 1] as number)
      zeros[index] = zero
      differences[index] = next
      sum += Math.imul(zero, saturate(2 * next)) >> 15
    }
    this.#zeroPrediction = saturate(sum)
  }
}
