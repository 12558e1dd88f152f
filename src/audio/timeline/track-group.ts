import type { News, Piece, Track } from './track.ts'

interface Line {
  readonly track: Track
  readonly ticksPerMs: number
}

/**
 * The tracks of one recording, side by side on one line of time: the milliseconds of the recording's clock, which each track counts in ticks of its own. What
 * is taken out of one is taken out of all, to the same time.
 */
export class TrackGroup {
  readonly #lines: Line[] = []
  #startMs: number | undefined
  #edgeMs: number | undefined

  /** `from` goes on where an earlier group of the same recording had come to. */
  constructor(from?: { readonly startMs: number; readonly edgeMs: number }) {
    this.#startMs = from?.startMs
    this.#edgeMs = from?.edgeMs
  }

  /** Adds a track; in a group that has begun it begins at the group's edge. */
  add(track: Track, clockRateHz: number): void {
    const line = { track, ticksPerMs: clockRateHz / 1000 }
    this.#lines.push(line)
    if (this.#edgeMs !== undefined) track.begin(ticksAt(line, this.#edgeMs))
  }

  /** Where the recording begins; undefined until something was taken out. */
  get startMs(): number | undefined {
    return this.#startMs
  }

  /** Everything before it has been taken out; undefined until something has. */
  get edgeMs(): number | undefined {
    return this.#edgeMs
  }

  /** Where the furthest track ends; 0 while nothing has come. */
  get endMs(): number {
    let end = 0
    for (const { track, ticksPerMs } of this.#lines) end = Math.max(end, track.endTicks / ticksPerMs)
    return end
  }

  /** Where one track ends. */
  endMsOf(index: number): number {
    const line = this.#lines[index]
    return line ? line.track.endTicks / line.ticksPerMs : 0
  }

  /** What each track has taken out: everything before these ticks. */
  get edgesTicks(): readonly number[] {
    return this.#lines.map(({ track }) => track.edgeTicks ?? 0)
  }

  /** What the journal does not have yet, by track, and marks it as had. */
  takeNews(take: (track: number, news: News) => void): void {
    for (const [index, { track }] of this.#lines.entries()) for (const news of track.takeNews()) take(index, news)
  }

  /**
   * Takes out everything before a time, track by track, each in order. The first time, all begin where the first has something; nothing is taken out while
   * none has. A track of frames may stop short of the time by less than a frame.
   */
  take(toMs: number): readonly Piece[] {
    if (this.#edgeMs === undefined) this.#begin()
    if (this.#edgeMs === undefined || toMs <= this.#edgeMs) return []
    this.#edgeMs = toMs
    return this.#lines.flatMap((line, index) => {
      const pieces = line.track.take(ticksAt(line, toMs))
      return index === 0 ? pieces : pieces.map((piece) => ({ ...piece, track: index }))
    })
  }

  #begin(): void {
    const firsts = this.#lines.flatMap(({ track, ticksPerMs }) =>
      track.firstTicks === undefined ? [] : [track.firstTicks / ticksPerMs],
    )
    if (firsts.length === 0) return
    this.#startMs = Math.min(...firsts)
    this.#edgeMs = this.#startMs
    for (const line of this.#lines) line.track.begin(ticksAt(line, this.#edgeMs))
  }
}

const ticksAt = ({ ticksPerMs }: Line, ms: number): number => Math.round(ms * ticksPerMs)
