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
  readonly #overlapTicks: number
  readonly #ticksMax: number
  /** In order of place; neighbours overlap by so much at most. */
  readonly #frames: Frame[] = []
  #edgeTicks: number | undefined
  #endTicks: number
  #hasNews = false

  /**
   * `durationOf` gives a payload's length in ticks; frames that overlap by more than `overlapTicks` are duplicates (0 where packets are stored as they are);
   * `edgeTicks` goes on where an earlier track of the same recording had come to.
   */
  constructor(
    layout: {
      readonly clockRateHz: number
      readonly durationOf: (payload: Uint8Array) => number | undefined
      readonly overlapTicks?: number
    },
    edgeTicks?: number,
  ) {
    this.#durationOf = layout.durationOf
    this.#overlapTicks = layout.overlapTicks ?? 0
    this.#ticksMax = HELD_MAX_SECONDS * layout.clockRateHz
    this.#edgeTicks = edgeTicks
    this.#endTicks = edgeTicks ?? 0
  }

  get edgeTicks(): number | undefined {
    return this.#edgeTicks
  }

  get firstTicks(): number | undefined {
    return this.#frames[0]?.from
  }

  get endTicks(): number {
    return this.#endTicks
  }

  begin(edgeTicks: number): void {
    if (this.#edgeTicks !== undefined) return
    this.#edgeTicks = edgeTicks
    this.#endTicks = Math.max(this.#endTicks, edgeTicks)
  }

  durationTicks(payload: Uint8Array): number | undefined {
    return this.#durationOf(payload)
  }

  insert(positionTicks: number, payload: Uint8Array): Placing {
    return this.#place(positionTicks, payload, false)
  }

  replay({ positionTicks, bytes }: News): Placing {
    const end = positionTicks + (this.#durationOf(bytes) ?? 0)
    // What a file has of a frame is decoded audio: the rest of it is wanted.
    const isCut = this.#overlapTicks > 0 && end > (this.#edgeTicks ?? 0)
    return this.#place(positionTicks, bytes, true, isCut)
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
      pieces.push({ kind: 'audio', ticks: to - Math.max(from, at), bytes })
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

  #place(positionTicks: number, payload: Uint8Array, isJournaled: boolean, isCut = false): Placing {
    const ticks = this.#durationOf(payload) ?? 0
    const from = this.#behindLast(positionTicks, ticks)
    const to = from + ticks
    if (!isCut && from < (this.#edgeTicks ?? 0) - this.#overlapTicks) return 'late'
    const start = this.#edgeTicks ?? this.#frames[0]?.from ?? from
    if (to - start > this.#ticksMax || this.#frames.length >= FRAMES_MAX) return 'ahead'
    const index = this.#frames.findLastIndex((frame) => frame.from < to - this.#overlapTicks) + 1
    const before = this.#frames[index - 1]
    if (before && before.to - from > this.#overlapTicks) return 'duplicate'
    this.#frames.splice(index, 0, { from, to, bytes: payload.slice(), isJournaled })
    this.#endTicks = Math.max(this.#endTicks, to)
    if (!isJournaled) this.#hasNews = true
    return 'placed'
  }

  /**
   * Where a frame goes: its place, or the end of the last frame when it begins within that. Some senders stamp by a wall clock that jitters (Asterisk's Opus, under
   * load): their frames are whole, follow each other, and only say that they overlap.
   */
  #behindLast(from: number, ticks: number): number {
    const last = this.#frames.at(-1)
    const isWithin =
      last !== undefined && from > last.from && last.to - from > this.#overlapTicks && from + ticks > last.to
    return isWithin ? last.to : from
  }
}
