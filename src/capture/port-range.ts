/** Pairs of ports of one worker, used in turn: a port that was freed rests for a whole round, so that late packets of one call never meet the next. */
export class PortRange {
  readonly #first: number
  readonly #pairs: number
  #turn = 0

  /** `first` is even; both ends belong to the range. */
  constructor({ first, last }: { readonly first: number; readonly last: number }) {
    this.#first = first
    this.#pairs = Math.floor((last - first + 1) / 2)
  }

  get pairs(): number {
    return this.#pairs
  }

  /** The even port of the next pair. */
  next(): number {
    const port = this.#first + 2 * (this.#turn % this.#pairs)
    this.#turn += 1
    return port
  }
}

/** A worker's own part of the port range: an even number of ports, at least one pair. */
export const shareOf = (range: { readonly first: number; readonly last: number }, worker: number, workers: number) => {
  const pairs = Math.floor((range.last - range.first + 1) / 2)
  const share = Math.max(1, Math.floor(pairs / workers))
  const first = range.first + 2 * share * Math.min(worker, Math.floor(pairs / share) - 1)
  return { first, last: first + 2 * share - 1 }
}
