import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { MediaKey, MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { parseMediaKey } from './media-key.ts'

/** Nothing younger than this is ever swept: it may belong to a commit that is under way, here or in another process. */
export const SWEEP_AGE_MIN_MS = 60 * 60 * 1000

/** The catalogue is asked about so many keys at a time. */
const BATCH = 500

/** What one sweep removed. */
export interface Swept {
  readonly orphans: number
  readonly unfinished: number
}

/**
 * Removes what a crash may leave behind: bytes that no row names, and unfinished writes; and tokens to publish with that have long expired.
 * Rows of recordings are never removed: under the commit order a final row without bytes can only mean that the media store lost them, and deleting the row would hide it (`poulsen verify` reports it).
 * The row of a live call names its bytes from the beginning, so that they are nobody's leftover at any moment: not while their file becomes an object,
 * and not after a crash, however late recovery settles them.
 */
export class Sweeping {
  readonly #catalogue: Catalogue
  readonly #stores: readonly MediaStore[]
  readonly #ageMinMs: number
  readonly #clock: Clock
  readonly #telemetry: Telemetry

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly stores: readonly MediaStore[]
    readonly clock: Clock
    readonly telemetry: Telemetry
    /** {@link SWEEP_AGE_MIN_MS} unless said. */
    readonly ageMinMs?: number
  }) {
    this.#catalogue = ports.catalogue
    this.#stores = ports.stores
    this.#ageMinMs = ports.ageMinMs ?? SWEEP_AGE_MIN_MS
    this.#clock = ports.clock
    this.#telemetry = ports.telemetry
  }

  /** One pass over the stores. Ends early, without error, when the signal is aborted. */
  async sweep(signal?: AbortSignal): Promise<Swept> {
    const beforeMs = this.#clock.nowMs() - this.#ageMinMs
    const removed = { orphans: 0, unfinished: 0 }
    for (const store of this.#stores) {
      removed.orphans += await this.#sweepOrphans(store, beforeMs, signal)
      removed.unfinished += await store.sweepUnfinished(beforeMs)
    }
    await this.#catalogue.deletePublishTokens(beforeMs)
    this.#telemetry.sweepEnded(removed)
    return removed
  }

  async #sweepOrphans(store: MediaStore, beforeMs: number, signal?: AbortSignal): Promise<number> {
    let removed = 0
    for await (const keys of batchesOf(store.list(), beforeMs)) {
      if (signal?.aborted) break
      for (const key of await this.#orphansAmong(keys)) if (await store.remove(key)) removed += 1
    }
    return removed
  }

  /** The keys whose recording does not exist or has other bytes. A key that is not ours is left alone. */
  async #orphansAmong(keys: readonly MediaKey[]): Promise<readonly MediaKey[]> {
    const owned = keys.flatMap((key) => {
      const owner = parseMediaKey(key)
      return owner ? [{ key, owner }] : []
    })
    const recordings = await this.#catalogue.findRecordings(owned.map(({ owner }) => owner.recordingId))
    const named = new Map(recordings.map(({ projectId, id, media }) => [`${projectId} ${id}`, media?.key]))
    const isOrphan = ({ key, owner }: (typeof owned)[number]) => {
      const ours = named.get(`${owner.projectId} ${owner.recordingId}`)
      return ours === undefined || (key !== ours && !key.startsWith(`${ours}.`))
    }
    return owned.filter(isOrphan).map(({ key }) => key)
  }
}

/** The keys of what is older than `beforeMs`, {@link BATCH} at a time. */
async function* batchesOf(stats: AsyncIterable<MediaStat>, beforeMs: number): AsyncIterable<readonly MediaKey[]> {
  let keys: MediaKey[] = []
  for await (const { key, modifiedMs } of stats) {
    if (modifiedMs >= beforeMs) continue
    keys.push(key)
    if (keys.length < BATCH) continue
    yield keys
    keys = []
  }
  if (keys.length > 0) yield keys
}
