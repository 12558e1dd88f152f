/** Indexes back from the highest of which it is remembered whether they came (RFC 3711 §3.3.2 wants 64): 2.5 s of a stream. */
export const REPLAY_WINDOW = 128

/** Which packets of one source have come. Only what is authentic may be noted. */
export class ReplayWindow {
  /** Highest index so far; −1: none. */
  highest = -1
  readonly #seen = new Float64Array(REPLAY_WINDOW).fill(-1)

  /** False for an index that came before, or so long ago that nobody knows. */
  isFresh(index: number): boolean {
    return index > this.highest - REPLAY_WINDOW && this.#seen[index % REPLAY_WINDOW] !== index
  }

  note(index: number): void {
    this.#seen[index % REPLAY_WINDOW] = index
    if (index > this.highest) this.highest = index
  }
}
