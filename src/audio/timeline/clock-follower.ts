/** Packets of which the least late tells how a stream stands to the clock: half a window. */
const HALF_WINDOW_PACKETS = 50
/** A stream that is off by less is left alone: that much is chance. */
const TOLERATED_MS = 4
/** What is left of an error after one packet; nobody hears steps so small. */
const STEP_PART = 1 / 64
const STEP_MAX_MS = 2
/** Streams that are further apart than this are heard to be: then every step is the largest. */
const FAR_MS = 20

/**
 * Sees how a sender's clock drifts away from ours, which the streams of one recording have in common, and how to follow it in steps that nobody hears. Jitter only
 * ever delays, so the least late packet of a while shows the clocks alone.
 */
export class ClockFollower {
  readonly #ticksPerMs: number
  #least = Number.POSITIVE_INFINITY
  #leastBefore = Number.POSITIVE_INFINITY
  #packets = 0
  #isFollowing = false

  constructor(ticksPerMs: number) {
    this.#ticksPerMs = ticksPerMs
  }

  /** Takes how late a packet came for its place, negative: early. Gives by how many ticks its place, and those of all that follow, are to move. */
  step(latenessTicks: number): number {
    this.#least = Math.min(this.#least, latenessTicks)
    this.#packets += 1
    if (this.#packets >= HALF_WINDOW_PACKETS) this.#turn()
    const error = Math.min(this.#least, this.#leastBefore)
    // Too early comes only what has its place from a packet that was late. But without half a window before, one late packet would be taken for a clock.
    if (error > 0 && !Number.isFinite(this.#leastBefore)) return 0
    if (error > 0 && this.#isCatchingUp) return 0
    const tolerated = TOLERATED_MS * this.#ticksPerMs
    if (Math.abs(error) > tolerated) this.#isFollowing = true
    if (Math.abs(error) <= tolerated / 4) this.#isFollowing = false
    return this.#isFollowing ? this.#move(error) : 0
  }

  /** The stream begins anew: what was seen says nothing any more. */
  reset(): void {
    this.#least = Number.POSITIVE_INFINITY
    this.#leastBefore = Number.POSITIVE_INFINITY
    this.#packets = 0
    this.#isFollowing = false
  }

  /** What a network has held back comes less and less late: that is no clock. */
  get #isCatchingUp(): boolean {
    return Number.isFinite(this.#least) && this.#leastBefore - this.#least > FAR_MS * this.#ticksPerMs
  }

  #turn(): void {
    this.#leastBefore = this.#least
    this.#least = Number.POSITIVE_INFINITY
    this.#packets = 0
  }

  #move(error: number): number {
    const most = Math.floor(STEP_MAX_MS * this.#ticksPerMs)
    const isFar = Math.abs(error) > FAR_MS * this.#ticksPerMs
    const size = isFar ? most : Math.min(most, Math.max(1, Math.round(Math.abs(error) * STEP_PART)))
    const step = error < 0 ? -size : size
    this.#least -= step
    this.#leastBefore -= step
    return step
  }
}
