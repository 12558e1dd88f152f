/** Two UDP ports of one media stream. */
export interface PortPair {
  readonly rtpPort: number
  readonly rtcpPort: number
}

/**
 * Which media line has which pair of ports, over all offers and answers of a session. A pair belongs to its line's place from the first time that it is asked
 * for: lines that are refused or ended never shift the ports of those behind them, and a line that comes back has its own again (RFC 3264 §8).
 */
export class PortAssignment<Pair extends PortPair = PortPair> {
  readonly #pairs: Pair[]
  readonly #places: number[] = []

  constructor(pairs: readonly Pair[]) {
    this.#pairs = [...pairs]
  }

  /** Pairs there are, and how many of them belong to a line. */
  get size(): number {
    return this.#pairs.length
  }

  get assigned(): number {
    return this.#places.length
  }

  /** One more pair, for a line that joins later. */
  add(pair: Pair): void {
    this.#pairs.push(pair)
  }

  /** The pair of the line at this place; undefined when all pairs belong to others. */
  readonly pairOf = (lineIndex: number): Pair | undefined => {
    const known = this.#places.indexOf(lineIndex)
    if (known >= 0) return this.#pairs[known]
    const free = this.#pairs[this.#places.length]
    if (free) this.#places.push(lineIndex)
    return free
  }

  /** Which of the pairs, from 0, the line at this place has; undefined when it has none. */
  streamOf(lineIndex: number): number | undefined {
    const known = this.#places.indexOf(lineIndex)
    return known < 0 ? undefined : known
  }
}
