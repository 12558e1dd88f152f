import type { Piece } from '../audio/timeline/track.ts'
import { GAPS_MAX, type Gap, type StreamQuality } from '../domain/call-details.ts'

/** What a {@link GapList} remembers, as JSON. */
export interface GapState {
  readonly gaps: readonly { readonly startTicks: number; readonly ticks: number }[]
  readonly atTicks: number
  readonly count: number
  readonly ticks: number
}

/** The silences of one track that stand for audio which never came, as they are taken out. Neighbours are joined. */
export class GapList {
  readonly #ticksPerMs: number
  readonly #gaps: { startTicks: number; ticks: number }[]
  #atTicks: number
  #count: number
  #ticks: number
  #openTicks = 0

  constructor(clockRateHz: number, saved?: GapState) {
    this.#ticksPerMs = clockRateHz / 1000
    this.#gaps = saved?.gaps.map((gap) => ({ ...gap })) ?? []
    this.#atTicks = saved?.atTicks ?? 0
    this.#count = saved?.count ?? 0
    this.#ticks = saved?.ticks ?? 0
  }

  get count(): number {
    return this.#count
  }

  /** Length of all gaps together, in milliseconds. */
  get ms(): number {
    return Math.round(this.#ticks / this.#ticksPerMs)
  }

  /** Takes note of pieces, in the order of the recording. */
  note(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.kind === 'audio') this.#openTicks = 0
      else this.#lengthen(piece.ticks)
      this.#atTicks += piece.ticks
    }
  }

  save(): GapState {
    return {
      gaps: this.#gaps.map((gap) => ({ ...gap })),
      atTicks: this.#atTicks,
      count: this.#count,
      ticks: this.#ticks,
    }
  }

  list(): readonly Gap[] {
    return this.#gaps.map(({ startTicks, ticks }) => ({
      startMs: Math.round(startTicks / this.#ticksPerMs),
      durationMs: Math.round(ticks / this.#ticksPerMs),
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

/** Quality of a stream of which nothing has come. */
export const noQuality = (codec: string): StreamQuality => ({
  codec,
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
