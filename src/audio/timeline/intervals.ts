/** A half-open run of ticks: `from` included, `to` not. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** Which ticks are covered. Kept sorted and merged; packets come nearly in order, so almost every addition lengthens the last run. */
export class Intervals {
  #runs: { from: number; to: number }[] = []

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** The first covered tick; undefined when nothing is covered. */
  get first(): number | undefined {
    return this.#runs[0]?.from
  }

  /** Covers a run and gives how many of its ticks were not covered before. */
  add(from: number, to: number): number {
    const last = this.#runs.at(-1)
    if (last !== undefined && last.to === from) {
      last.to = to
      return to - from
    }
    if (last === undefined || from > last.to) {
      this.#runs.push({ from, to })
      return to - from
    }
    return this.#insert(from, to)
  }

  /** Takes out and gives the covered runs below a tick, in order. */
  takeBelow(tick: number): readonly Interval[] {
    const last = this.#runs.at(-1)
    if (last === undefined || last.to <= tick) {
      const all = this.#runs
      this.#runs = []
      return all
    }
    const taken: Interval[] = []
    while (this.#runs[0] && this.#runs[0].to <= tick) taken.push(this.#runs.shift() as Interval)
    const cut = this.#runs[0]
    if (cut && cut.from < tick) {
      taken.push({ from: cut.from, to: tick })
      cut.from = tick
    }
    return taken
  }

  #insert(from: number, to: number): number {
    const before = this.#runs.filter((run) => run.to < from)
    const after = this.#runs.filter((run) => run.from > to)
    const touched = this.#runs.slice(before.length, this.#runs.length - after.length)
    const covered = touched.reduce((sum, run) => sum + Math.max(0, Math.min(run.to, to) - Math.max(run.from, from)), 0)
    const merged = {
      from: Math.min(from, touched[0]?.from ?? from),
      to: Math.max(to, touched.at(-1)?.to ?? to),
    }
    this.#runs = [...before, merged, ...after]
    return to - from - covered
  }
}
