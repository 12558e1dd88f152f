/** Zero crossings of the windowed sinc on each side: 80 dB of stop band is far below what MP3 keeps. */
const HALF_WIDTH = 16

/**
 * Converts one channel from one sample rate to another with a windowed sinc, block by block. Phase is linear, and the output is aligned with
 * the input: nothing is delayed.
 */
export class Resampler {
  readonly #step: number
  readonly #cutoff: number
  readonly #reach: number
  #history = new Float32Array(0)
  /** Position of the history's first sample in the input. */
  #historyAt = 0
  #outputs = 0

  constructor(fromHz: number, toHz: number) {
    this.#step = fromHz / toHz
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
    const keepFrom = Math.max(0, Math.floor(this.#outputs * this.#step) - this.#reach - this.#historyAt)
    this.#history = joined.slice(keepFrom)
    this.#historyAt += keepFrom
    return output
  }

  /** What is left, as if silence followed. */
  finish(): Float32Array {
    return this.#produce(this.#history, this.#historyAt + this.#history.length)
  }

  #produce(samples: Float32Array, untilAt: number): Float32Array {
    const count = Math.max(0, Math.ceil(untilAt / this.#step) - this.#outputs)
    const output = new Float32Array(count)
    for (let index = 0; index < count; index += 1) {
      output[index] = this.#interpolate(samples, (this.#outputs + index) * this.#step - this.#historyAt)
    }
    this.#outputs += count
    return output
  }

  #interpolate(samples: Float32Array, at: number): number {
    const from = Math.max(0, Math.ceil(at - this.#reach))
    const to = Math.min(samples.length - 1, Math.floor(at + this.#reach))
    let sum = 0
    for (let index = from; index <= to; index += 1) sum += (samples[index] ?? 0) * this.#kernel(at - index)
    return sum
  }

  /** The sinc under a Hann window, scaled to unit gain. */
  #kernel(distance: number): number {
    const x = distance * this.#cutoff
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.#reach)
    return x === 0 ? this.#cutoff : (this.#cutoff * window * Math.sin(Math.PI * x)) / (Math.PI * x)
  }
}
