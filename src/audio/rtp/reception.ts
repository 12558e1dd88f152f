/** A step forward of so many sequence numbers is loss, more is a restart (RFC 3550 A.1, MAX_DROPOUT). */
const DROPOUT_MAX = 3000
/** A step back of so many is reordering (MAX_MISORDER). */
const MISORDER_MAX = 100
const SEQUENCES = 0x10000
/** Sequence numbers back from the newest of which it is remembered whether they came. */
const WINDOW = 1024
/** More than this between two packets is another time base, not jitter: 8 s of telephone audio, 1.4 s of Opus. */
const JITTER_STEP_MAX_TICKS = 65_536

/**
 * Statistics of one source (RFC 3550 A.1, A.3, A.8). Pure and without allocation; time comes with the packets, in ticks of the RTP clock.
 */
export class Reception {
  /** Packets that came, without duplicates. */
  received = 0
  /** Packets that came again, within the last {@link WINDOW} numbers. */
  duplicated = 0
  /** Interarrival jitter (A.8), and its highest so far. */
  jitterTicks = 0
  jitterMaxTicks = 0
  #base = -1
  #highest = -1
  /** Numbers of earlier runs of a sender that began anew. */
  #earlierExpected = 0
  #restartAt = -1
  #lastTransit: number | undefined
  #expectedAtReport = 0
  #receivedAtReport = 0
  readonly #seen = new Float64Array(WINDOW).fill(-1)

  /** Extended highest sequence number as reports have it: cycles in the upper 16 bits, from 0 (RFC 3550 §6.4.1). 0 before the first packet. */
  get highestSequence(): number {
    return this.#highest < 0 ? 0 : this.#highest - SEQUENCES
  }

  /** Packets from the first to the highest number, over all runs of the sender. */
  get expected(): number {
    return this.#earlierExpected + (this.#base < 0 ? 0 : this.#highest - this.#base + 1)
  }

  /** Sequence numbers that have not come; never negative. */
  get lost(): number {
    return Math.max(0, this.expected - this.received)
  }

  /**
   * Counts a packet. `sequence` has 16 bits, `timestamp` 32, or is undefined for a packet that says nothing about jitter; `arrivalTicks` is its arrival on any steady clock, in ticks of the RTP clock. Gives the extended
   * sequence number of a new packet, which never falls back over a restart; undefined for a duplicate, and for the first packet from far away: one such says nothing.
   */
  update(sequence: number, timestamp: number | undefined, arrivalTicks: number): number | undefined {
    const extended = this.#extend(sequence)
    if (extended === undefined) return undefined
    if (this.#seen[extended % WINDOW] === extended) {
      this.duplicated += 1
      return undefined
    }
    this.#seen[extended % WINDOW] = extended
    if (extended > this.#highest) this.#highest = extended
    if (this.#base < 0 || extended < this.#base) this.#base = extended
    this.received += 1
    if (timestamp !== undefined) this.#updateJitter(timestamp, arrivalTicks)
    return extended
  }

  /** Fraction of packets lost since the last call, 0 to 255 (RFC 3550 A.3). */
  takeFractionLost(): number {
    const expected = this.expected - this.#expectedAtReport
    const lost = expected - (this.received - this.#receivedAtReport)
    this.#expectedAtReport = this.expected
    this.#receivedAtReport = this.received
    return expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected))
  }

  #extend(sequence: number): number | undefined {
    // One cycle of room below the first number, so that what it has overtaken is not negative.
    if (this.#highest < 0) return SEQUENCES + sequence
    const step = ((sequence - this.#highest) << 16) >> 16
    if (step <= DROPOUT_MAX && step >= -MISORDER_MAX) return this.#highest + step
    if (sequence !== this.#restartAt) {
      this.#restartAt = (sequence + 1) % SEQUENCES
      return undefined
    }
    this.#restart()
    return this.#highest - (this.#highest % SEQUENCES) + SEQUENCES + sequence
  }

  /** Two packets in a row from far away: the sender has begun anew. Its numbers go on rising for us. */
  #restart(): void {
    this.#earlierExpected = this.expected
    this.#base = -1
    this.#restartAt = -1
    this.#lastTransit = undefined
  }

  /** RFC 3550 A.8. */
  #updateJitter(timestamp: number, arrivalTicks: number): void {
    const transit = arrivalTicks - timestamp
    if (this.#lastTransit !== undefined) {
      // Differences are of 32 bits, as timestamps wrap. A sender that sets its timestamps anew is no jitter.
      const difference = Math.abs((transit - this.#lastTransit) | 0)
      if (difference < JITTER_STEP_MAX_TICKS) this.jitterTicks += (difference - this.jitterTicks) / 16
      if (this.jitterTicks > this.jitterMaxTicks) this.jitterMaxTicks = this.jitterTicks
    }
    this.#lastTransit = transit
  }
}
