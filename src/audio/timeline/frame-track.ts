import type { News, Piece, Placing, Track } from './track.ts'

interface Frame {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
  isJournaled: boolean
}

/** Packets that a track holds at most, of the shortest kind (2.5 ms). */
const FRAMES_MAX = 3200
const HELD_MAX_SECONDS = 8

/** A track of a codec whose packets are frames of their own length: Opus. */
export class FrameTrack implements Track {
  readonly #durationOf: (payload: Uint8Array) => number | undefined
  readonly #ticksMax: number
  /** In order of place, without overlap. */
  readonly #frames: Frame[] = []
  #edgeTicks: number | undefined
  #endTicks: number
  #hasNews = false

  /** `durationOf` gives a payload's length in ticks; `edgeTicks` goes on where an earlier track of the same recording had come to. */
  constructor(
    layout: { readonly clockRateHz: number; readonly durationOf: (payload: Uint8Array) => number | undefined },
    edgeTicks?: number,
  ) {
    this.#durationOf = layout.durationOf
    this.#ticksMax = HELD_MAX_SECONDS * layout.clockRateHz
    this.#edgeTicks = edgeTicks
    this.#endTicks = edgeTicks ?? 0
  }

  get edgeTicks(): number | undefined {
    return this.#edgeTicks
  }

  get endTicks(): number {
    return this.#endTicks
  }

  durationTicks(payload: Uint8Array): number | undefined {
    return this.#durationOf(payload)
  }

  insert(positionTicks: number, payload: Uint8Array): Placing {
    return this.#place(positionTicks, payload, false)
  }

  replay({ positionTicks, bytes }: News): Placing {
    return this.#place(positionTicks, bytes, true)
  }

  takeNews(): readonly News[] {
    if (!this.#hasNews) return []
    this.#hasNews = false
    const news: News[] = []
    for (const frame of this.#frames) {
      if (frame.isJournaled) continue
      frame.isJournaled = true
      news.push({ positionTicks: frame.from, bytes: frame.bytes })
    }
    return news
  }

  take(toTicks: number): readonly Piece[] {
    const first = this.#frames[0]
    if (this.#edgeTicks === undefined && !first) return []
    let at = this.#edgeTicks ?? (first as Frame).from
    const count = this.#frames.findIndex(({ to }) => to > toTicks)
    const pieces: Piece[] = []
    for (const { from, to, bytes } of this.#frames.splice(0, count < 0 ? this.#frames.length : count)) {
      if (from > at) pieces.push({ kind: 'gap', ticks: from - at })
      pieces.push({ kind: 'audio', ticks: to - from, bytes })
      at = to
    }
    // A frame that reaches over the tick stays whole, and the silence before it stays with it.
    const gapEnd = Math.min(toTicks, this.#frames[0]?.from ?? toTicks)
    if (gapEnd > at) {
      pieces.push({ kind: 'gap', ticks: gapEnd - at })
      at = gapEnd
    }
    this.#edgeTicks = at
    this.#endTicks = Math.max(this.#endTicks, at)
    return pieces
  }

  #place(positionTicks: number, payload: Uint8Array, isJournaled: boolean): Placing {
    const from = positionTicks
    const to = from + (this.#durationOf(payload) ?? 0)
    if (from < (this.#edgeTicks ?? 0)) return 'late'
    const start = this.#edgeTicks ?? this.#frames[0]?.from ?? from
    if (to - start > this.#ticksMax || this.#frames.length >= FRAMES_MAX) return 'ahead'
    const index = this.#frames.findLastIndex((frame) => frame.from < to) + 1
    const before = this.#frames[index - 1]
    if (before && before.to > from) return 'duplicate'
    this.#frames.splice(index, 0, { from, to, bytes: payload.slice(), isJournaled })
    this.#endTicks = Math.max(this.#endTicks, to)
    if (!isJournaled) this.#hasNews = true
    return 'placed'
  }
}
