import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { MediaKey, MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Swept, Telemetry } from '../ports/telemetry.ts'
import { findMedia } from './find-media.ts'
import { orphansAmong, tellOrphans } from './orphans.ts'

/** Nothing younger than this is ever swept: it may belong to a commit that is under way, here or in another process. */
export const SWEEP_AGE_MIN_MS = 60 * 60 * 1000

/** What sweeping works on. */
export interface SweepingParts {
  /** What the store is called in metrics. */
  readonly name: Swept['store']
  readonly catalogue: Catalogue
  /** What is recorded: of it there is no second copy. */
  readonly store: MediaStore
  /** What is derived of it, and can be again. */
  readonly cache?: MediaStore
  /** An empty object under the key of each object of the store that was met without a row, as old as the first time. */
  readonly notes: MediaStore
  /** How long an object of the store has to be without a row; 0 removes it as soon as it is old enough. */
  readonly keepMs: number
  /** {@link SWEEP_AGE_MIN_MS} unless said. */
  readonly ageMinMs?: number
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/**
 * Removes what a crash may leave behind: bytes that no row names, and unfinished writes; and tokens to publish with that have long expired.
 * Rows of recordings are never removed: under the commit order a final row without bytes can only mean that the media store lost them, and deleting the row would hide it (`poulsen verify` reports it).
 * The row of a live call names its bytes from the beginning, so that they are nobody's leftover at any moment: not while their file becomes an object,
 * and not after a crash, however late recovery settles them.
 *
 * Bytes without a row look the same after a crash as when the catalogue is older than they are, or another one: restored, failed over, mistyped. So recorded bytes
 * go only when they were met without a row for `keepMs`, which is somebody's time to notice; a row that comes back ends it.
 */
export class Sweeping {
  readonly #parts: SweepingParts

  constructor(parts: SweepingParts) {
    this.#parts = parts
  }

  /** One pass. Ends early, without error, when the signal is aborted. Rejects as the catalogue and the stores do. */
  async sweep(signal?: AbortSignal): Promise<Swept> {
    const { name, catalogue, clock, store, cache, telemetry, ageMinMs = SWEEP_AGE_MIN_MS } = this.#parts
    const beforeMs = clock.nowMs() - ageMinMs
    const swept = { store: name, orphans: 0, unfinished: 0, kept: 0 }
    for (const each of cache ? [store, cache] : [store]) {
      await this.#sweepOrphans(each, beforeMs, swept, signal)
      swept.unfinished += await each.sweepUnfinished(beforeMs)
    }
    await this.#dropNotes(signal)
    await catalogue.deletePublishTokens(beforeMs)
    telemetry.sweepEnded(swept)
    return swept
  }

  /** What is in the store now and no row names: it was deleted or refused and is left over, or its row is missing. Rejects as the catalogue and the store do. */
  listOrphans(): AsyncGenerator<MediaStat> {
    return orphansAmong(this.#parts.catalogue, this.#parts.store.list())
  }

  async #sweepOrphans(
    store: MediaStore,
    beforeMs: number,
    swept: { orphans: number; kept: number },
    signal?: AbortSignal,
  ): Promise<void> {
    for await (const { key } of orphansAmong(this.#parts.catalogue, olderThan(beforeMs, store.list(), signal))) {
      if (store === this.#parts.store && (await this.#isKept(key))) swept.kept += 1
      else if (await store.remove(key)) swept.orphans += 1
    }
  }

  /** Notes it when it is met for the first time. What cannot be noted is not removed. */
  async #isKept(key: MediaKey): Promise<boolean> {
    const { notes, keepMs, clock } = this.#parts
    if (keepMs === 0) return false
    const note = await findMedia(notes, key)
    if (!note) await write(notes, key)
    return !note || clock.nowMs() - note.modifiedMs <= keepMs
  }

  /** What has a row (again), or is gone, needs no note. */
  async #dropNotes(signal?: AbortSignal): Promise<void> {
    const { catalogue, notes, store } = this.#parts
    for await (const { stat, isOrphan } of tellOrphans(catalogue, notes.list())) {
      if (signal?.aborted) return
      if (!isOrphan || !(await findMedia(store, stat.key))) await notes.remove(stat.key)
    }
  }
}

/** What is old enough. Ends when the signal is aborted. */
async function* olderThan(
  beforeMs: number,
  stats: AsyncIterable<MediaStat>,
  signal: AbortSignal | undefined,
): AsyncGenerator<MediaStat> {
  for await (const stat of stats) {
    if (signal?.aborted) return
    if (stat.modifiedMs < beforeMs) yield stat
  }
}

const write = async (notes: MediaStore, key: MediaKey): Promise<void> => {
  const note = await notes.open(key)
  try {
    await note.finalise()
  } finally {
    await note.abort()
  }
}
