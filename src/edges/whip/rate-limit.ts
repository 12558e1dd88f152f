/** Keys that are remembered; beyond it the memory starts afresh. */
const KEYS_MAX = 10_000
const MS_PER_SECOND = 1000

interface Allowance {
  left: number
  atMs: number
}

/** So many a second for each key, and as many at once after a pause. */
export class RateLimit {
  readonly #perSecond: number
  readonly #allowances = new Map<string, Allowance>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** True, and one less, when there is one left. */
  take(key: string, nowMs: number): boolean {
    const { left, atMs } = this.#allowances.get(key) ?? { left: this.#perSecond, atMs: nowMs }
    const regained = (Math.max(0, nowMs - atMs) / MS_PER_SECOND) * this.#perSecond
    const available = Math.min(this.#perSecond, left + regained)
    const isAllowed = available >= 1
    if (this.#allowances.size >= KEYS_MAX) this.#allowances.clear()
    this.#allowances.set(key, { left: isAllowed ? available - 1 : available, atMs: nowMs })
    return isAllowed
  }
}
