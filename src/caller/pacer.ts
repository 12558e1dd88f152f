/** Something that is to be done again and again, at times of its own. */
export interface Paced {
  /** When it is to be run next, on {@link Pacer.nowMs}'s clock; undefined: it is done. Read again after every run. */
  readonly dueAtMs: number | undefined
  run(nowMs: number): void
}

/** One slot is a millisecond; what lies further ahead waits in the last slot and is looked at again. */
const SLOTS = 512

/**
 * One timer for thousands of things that are to happen on time: a wheel of millisecond slots, so that adding and running cost the same however many there
 * are. Sleeps until the next is due, and not at all while there is nothing to do.
 */
export class Pacer {
  readonly #slots: Paced[][] = Array.from({ length: SLOTS }, () => [])
  #count = 0
  /** The millisecond whose slot was run last. */
  #turnedToMs = 0
  #timer: NodeJS.Timeout | undefined

  /** Milliseconds on a clock that never jumps. */
  nowMs(): number {
    return performance.now()
  }

  /** The Unix time of an instant of this clock; parts of a millisecond count, so that streams keep their distance. */
  unixMsAt(atMs: number): number {
    return performance.timeOrigin + atMs
  }

  /** Runs it when it is due, until it is done. */
  add(paced: Paced): void {
    if (this.#count === 0) this.#turnedToMs = Math.floor(this.nowMs())
    this.#insert(paced)
    this.#arm()
  }

  /** How many are waiting. */
  get count(): number {
    return this.#count
  }

  #insert(paced: Paced): void {
    if (paced.dueAtMs === undefined) return
    const ahead = Math.floor(paced.dueAtMs) - this.#turnedToMs
    const slot = (this.#turnedToMs + Math.max(1, Math.min(SLOTS - 1, ahead))) % SLOTS
    this.#slots[slot]?.push(paced)
    this.#count += 1
  }

  /** Sets the timer for the next slot that has anything in it. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#count === 0) return
    let ahead = 1
    while (ahead < SLOTS && this.#slots[(this.#turnedToMs + ahead) % SLOTS]?.length === 0) ahead += 1
    const waitMs = this.#turnedToMs + ahead - this.nowMs()
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, Math.ceil(waitMs)))
  }

  #turn(): void {
    const nowMs = this.nowMs()
    // After a pause of the whole process every slot is looked at once, not once for every millisecond missed.
    this.#turnedToMs = Math.max(this.#turnedToMs, Math.floor(nowMs) - SLOTS)
    while (this.#turnedToMs < Math.floor(nowMs)) {
      this.#turnedToMs += 1
      const slot = this.#turnedToMs % SLOTS
      const due = this.#slots[slot] as Paced[]
      if (due.length === 0) continue
      this.#slots[slot] = []
      this.#count -= due.length
      for (const paced of due) {
        if (paced.dueAtMs !== undefined && paced.dueAtMs <= nowMs) paced.run(nowMs)
        this.#insert(paced)
      }
    }
    this.#arm()
  }
}
