import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { parseMediaKey } from './media-key.ts'

/** Nothing younger than this is ever swept: it may belong to a commit that is under way, here or in another process. */
export const SWEEP_AGE_MIN_MS = 60 * 60 * 1000

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
    for await (const stat of store.list()) {
      if (signal?.aborted) break
      if (stat.modifiedMs < beforeMs && (await this.#isOrphan(stat)) && (await store.remove(stat.key))) removed += 1
    }
    return removed
  }

  /** True when the recording that a key names does not exist or has other bytes. A key that is not ours is left alone. */
  async #isOrphan({ key }: MediaStat): Promise<boolean> {
    const owner = parseMediaKey(key)
    if (!owner) return false
    const recording = await this.#catalogue.findRecording(owner.projectId, owner.recordingId)
    const ours = recording?.media?.key
    return ours === undefined || (key !== ours && !key.startsWith(`${ours}.`))
  }
}
