/** Zero crossings of the windowed sinc on each side: 80 dB of stop band is far below what MP3 keeps. */
const HALF_WIDTH = 16
/** Places between two input samples for which weights are kept; rates of which there are more (15,999 to 48,000) have theirs made each time. */
const PHASES_KEPT_MAX = 1024

/**
 * Converts one channel from one sample rate to another with a windowed sinc, block by block. Phase is linear, and the output is aligned with
 * the input: nothing is delayed.
 */
export class Resampler {
  /** Output n lies at n × advance / phases input samples. */
  readonly #advance: number
  readonly #phases: number
  readonly #cutoff: number
  readonly #reach: number
  /** By phase: what the input samples from `reach` before to `reach` behind weigh. */
  readonly #weights: Float64Array[] = []
  #history = new Float32Array(0)
  /** Position of the history's first sample in the input. */
  #historyAt = 0
  #outputs = 0

  constructor(fromHz: number, toHz: number) {
    const divisor = greatestDivisor(fromHz, toHz)
    this.#advance = fromHz / divisor
    this.#phases = toHz / divisor
    this.#cutoff = Math.min(1, toHz / fromHz)
    this.#reach = Math.ceil(HALF_WIDTH / this.#cutoff)
  }

  /** The output that this input completes. */
  append(input: Float32Array): Float32Array {
    const joined = new Float32Array(this.#history.length + input.length)
    joined.set(this.#history)
    joined.set(input, this.#history.length)
    const endAt = this.#historyAt + joined.length
    const output = this.#produce(joined, endAt - this.#reach)
    this.#keepFrom(joined)
    return output
  }

  /** The output that so many samples of silence complete; a long one costs no more than a short one. */
  appendSilence(count: number): Float32Array {
    const audible = Math.min(count, 2 * this.#reach)
    const first = this.append(new Float32Array(audible))
    if (audible === count) return first
    // From here on all that is still kept is silent.
    const endAt = this.#historyAt + this.#history.length + count - audible
    const rest = this.#countUntil(endAt - this.#reach)
    const output = new Float32Array(first.length + rest)
    output.set(first)
    this.#outputs += rest
    const keptAt = Math.max(this.#historyAt, this.#neededFrom)
    this.#history = new Float32Array(endAt - keptAt)
    this.#historyAt = keptAt
    return output
  }

  /** What is left, as if silence followed. */
  finish(): Float32Array {
    return this.#produce(this.#history, this.#historyAt + this.#history.length)
  }

  /** The first input sample that outputs to come depend on. */
  get #neededFrom(): number {
    return Math.floor((this.#outputs * this.#advance) / this.#phases) - this.#reach
  }

  #keepFrom(samples: Float32Array<ArrayBuffer>): void {
    const from = Math.max(0, this.#neededFrom - this.#historyAt)
    this.#history = samples.slice(from)
    this.#historyAt += from
  }

  #countUntil(at: number): number {
    return Math.max(0, Math.ceil((at * this.#phases) / this.#advance) - this.#outputs)
  }

  #produce(samples: Float32Array, untilAt: number): Float32Array {
    const output = new Float32Array(this.#countUntil(untilAt))
    for (let index = 0; index < output.length; index += 1) {
      const place = (this.#outputs + index) * this.#advance
      const phase = place % this.#phases
      output[index] = this.#interpolate(samples, (place - phase) / this.#phases - this.#historyAt, phase)
    }
    this.#outputs += output.length
    return output
  }

  /** The value so far behind a sample as the phase says. */
  #interpolate(samples: Float32Array, at: number, phase: number): number {
    const weights = this.#weightsOf(phase)
    const from = Math.max(0, at - this.#reach)
    const to = Math.min(samples.length - 1, at + this.#reach)
    const offset = this.#reach - at
    let sum = 0
    for (let index = from; index <= to; index += 1)
      sum += (samples[index] as number) * (weights[index + offset] as number)
    return sum
  }

  #weightsOf(phase: number): Float64Array {
    const known = this.#weights[phase]
    if (known) return known
    const made = Float64Array.from({ length: 2 * this.#reach + 1 }, (_, index) =>
      this.#kernel(phase / this.#phases - (index - this.#reach)),
    )
    if (this.#phases <= PHASES_KEPT_MAX) this.#weights[phase] = made
    return made
  }

  /** The sinc under a Hann window, scaled to unit gain. */
  #kernel(distance: number): number {
    if (Math.abs(distance) >= this.#reach) return 0
    const x = distance * this.#cutoff
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.#reach)
    return x === 0 ? this.#cutoff : (this.#cutoff * window * Math.sin(Math.PI * x)) / (Math.PI * x)
  }
}

/** Of two whole numbers; 1 when one is none. */
const greatestDivisor = (a: number, b: number): number => {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return 1
  return b === 0 ? a : greatestDivisor(b, a % b)
}
