import { SMOOTHED_GAP_MS } from '../audio/timeline/linear-decoder.ts'
import type { Piece } from '../audio/timeline/track.ts'
import { GAPS_MAX, type Gap, type StreamQuality } from '../domain/call-details.ts'
import type { StreamPlan } from './call-recorder.ts'

/** What a {@link GapList} remembers, as JSON. */
export interface GapState {
  readonly gaps: readonly { readonly startTicks: number; readonly ticks: number }[]
  readonly atTicks: number
  readonly count: number
  readonly ticks: number
  /** Length of the gap that the track is in, so far; absent: it is in none. */
  readonly openTicks?: number
}

/** Of a track that has come so far without a gap. */
export const noGaps = (atTicks: number): GapState => ({ gaps: [], atTicks, count: 0, ticks: 0 })

/** The state as it was at an earlier tick; gaps that were not remembered are counted as they are. */
export const gapsBefore = (state: GapState, atTicks: number): GapState => {
  if (state.atTicks <= atTicks) return state
  const lasting = state.gaps.filter(({ startTicks }) => startTicks < atTicks)
  const gaps = lasting.map(({ startTicks, ticks }) => ({ startTicks, ticks: Math.min(ticks, atTicks - startTicks) }))
  const sum = (list: GapState['gaps']) => list.reduce((total, { ticks }) => total + ticks, 0)
  const last = gaps.at(-1)
  const isOpen = last !== undefined && last.startTicks + last.ticks === atTicks
  return {
    gaps,
    atTicks,
    count: state.count - (state.gaps.length - gaps.length),
    ticks: state.ticks - (sum(state.gaps) - sum(gaps)),
    ...(isOpen && { openTicks: last.ticks }),
  }
}

/** The silences of one track that stand for audio which never came, as they are taken out. Neighbours are joined; what only follows a clock is none. */
export class GapList {
  readonly ticksPerMs: number
  readonly #gaps: { startTicks: number; ticks: number }[]
  #atTicks: number
  #count: number
  #ticks: number
  #openTicks: number

  constructor(clockRateHz: number, { gaps, atTicks, count, ticks, openTicks = 0 }: GapState = noGaps(0)) {
    this.ticksPerMs = clockRateHz / 1000
    this.#gaps = gaps.map((gap) => ({ ...gap }))
    this.#atTicks = atTicks
    this.#count = count
    this.#ticks = ticks
    this.#openTicks = openTicks
  }

  get count(): number {
    return this.#count
  }

  /** Length of all gaps together, in milliseconds. */
  get ms(): number {
    return Math.round(this.#ticks / this.ticksPerMs)
  }

  /** Takes note of pieces, in the order of the recording. */
  note(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.kind === 'audio') this.#openTicks = 0
      else if (this.#openTicks > 0 || piece.ticks > SMOOTHED_GAP_MS * this.ticksPerMs) this.#lengthen(piece.ticks)
      this.#atTicks += piece.ticks
    }
  }

  save(): GapState {
    return {
      gaps: this.#gaps.map((gap) => ({ ...gap })),
      atTicks: this.#atTicks,
      count: this.#count,
      ticks: this.#ticks,
      ...(this.#openTicks > 0 && { openTicks: this.#openTicks }),
    }
  }

  list(): readonly Gap[] {
    return this.#gaps.map(({ startTicks, ticks }) => ({
      startMs: Math.round(startTicks / this.ticksPerMs),
      durationMs: Math.round(ticks / this.ticksPerMs),
    }))
  }

  #lengthen(ticks: number): void {
    this.#ticks += ticks
    if (this.#openTicks === 0) {
      this.#count += 1
      if (this.#count <= GAPS_MAX) this.#gaps.push({ startTicks: this.#atTicks, ticks: 0 })
    }
    this.#openTicks += ticks
    const last = this.#gaps.at(-1)
    if (last && this.#count <= GAPS_MAX) last.ticks = this.#openTicks
  }
}

/** The first gaps of several tracks in order of time, each with its track when there are several. */
export const listGaps = (lists: readonly GapList[]): readonly Gap[] => {
  if (lists.length === 1) return lists[0]?.list() ?? []
  const gaps = lists.flatMap((list, stream) => list.list().map((gap) => ({ ...gap, stream })))
  return gaps.sort((a, b) => a.startMs - b.startMs).slice(0, GAPS_MAX)
}

/** Quality of a stream of which nothing has come, or of which nobody knows. */
export const noQuality = ({ format, label, channel }: StreamPlan): StreamQuality => ({
  codec: format.codec,
  ...(label !== undefined && { label }),
  ...(channel !== undefined && { channel }),
  packets: 0,
  lost: 0,
  late: 0,
  duplicated: 0,
  jitterMs: 0,
  jitterMaxMs: 0,
  ssrcChanges: 0,
  strangers: 0,
  invalid: 0,
  gapCount: 0,
  gapMs: 0,
})
