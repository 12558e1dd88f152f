/** A packet that comes so much later than its place is late, or its sender's timestamps have stood still. */
const LATE_MS = 1_000
/** It is the timestamps when that goes on for so long … */
const SURE_AFTER_MS = 200
/** … and packets do not catch up by so much, as they do when a network lets through what it has held back. */
const CATCHES_UP_MS = 100

/**
 * Sees that a sender has let its timestamps stand still through a pause of which nobody told, not even its marker bit. Beside other streams, which went on, all
 * that it sends from then on would be too late for the place that its timestamps give it.
 */
export class Standstill {
  readonly #ticksPerMs: number
  #sinceMs: number | undefined
  #firstTicks = 0

  constructor(ticksPerMs: number) {
    this.#ticksPerMs = ticksPerMs
  }

  /** Takes how late a packet came for its place. True when timestamps say nothing about its place any more; then all begins anew. */
  isSeen(latenessTicks: number, arrivalMs: number): boolean {
    if (latenessTicks < LATE_MS * this.#ticksPerMs) {
      this.#sinceMs = undefined
      return false
    }
    const isCatchingUp = latenessTicks < this.#firstTicks - CATCHES_UP_MS * this.#ticksPerMs
    if (this.#sinceMs === undefined || isCatchingUp) {
      this.#sinceMs = arrivalMs
      this.#firstTicks = latenessTicks
      return false
    }
    if (arrivalMs - this.#sinceMs < SURE_AFTER_MS) return false
    this.#sinceMs = undefined
    return true
  }
}
