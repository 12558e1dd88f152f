/** Packets that come within so long of each other count as one. */
const SLOT_MS = 10

/**
 * The least lateness of all packets that came at about the same time. What a network or a sender lets go in one burst says once how its clock stands, and
 * not as often as it has packets: a stall of two seconds must not outvote the seconds before it.
 */
export class ArrivalSlots {
  #startMs: number | undefined
  #least = 0

  /** Takes how late a packet came for its place; gives the least of the slot before when this packet begins another. */
  take(latenessTicks: number, arrivalMs: number): number | undefined {
    if (this.#startMs !== undefined && arrivalMs - this.#startMs < SLOT_MS) {
      this.#least = Math.min(this.#least, latenessTicks)
      return undefined
    }
    const before = this.#startMs === undefined ? undefined : this.#least
    this.#startMs = arrivalMs
    this.#least = latenessTicks
    return before
  }

  /** All places from that of the last packet on were moved by so much. */
  move(ticks: number): void {
    this.#least -= ticks
  }

  reset(): void {
    this.#startMs = undefined
  }
}
