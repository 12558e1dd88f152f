import type { Cancel, Timers } from '../../src/edges/sip/timers.ts'

/** Turns of the event loop that promises may take between two timers. */
const TURNS = 5

interface Pending {
  readonly atMs: number
  readonly work: () => void
}

/** A clock that stands still until it is moved; what is due on the way goes off in order, with time for promises in between. */
export class FakeTimers implements Timers {
  readonly #pending = new Set<Pending>()
  #nowMs: number

  constructor(nowMs = 1_760_000_000_000) {
    this.#nowMs = nowMs
  }

  /** Timers that have not gone off and were not forgotten. */
  get pendingCount(): number {
    return this.#pending.size
  }

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, work: () => void): Cancel {
    const pending = { atMs: this.#nowMs + delayMs, work }
    this.#pending.add(pending)
    return () => this.#pending.delete(pending)
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#pending.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.work()
      await settle()
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Pending | undefined {
    const due = [...this.#pending].filter(({ atMs }) => atMs <= untilMs)
    return due.sort((a, b) => a.atMs - b.atMs)[0]
  }
}

/** Lets promises, and what they start, come to rest. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise(setImmediate)
}
