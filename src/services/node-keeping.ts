import { hasCode } from '../domain/errors.ts'
import { NODE_LOST, type Recording } from '../domain/recording.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { LiveRecordings } from '../ports/live-recordings.ts'
import type { MediaStore } from '../ports/media-store.ts'
import type { Nodes } from '../ports/nodes.ts'

/** Nodes say so often that they live. */
export const BEAT_EVERY_MS = 5_000
/** How often one of them looks for what lost nodes have left. */
export const SETTLE_LOST_EVERY_MS = 10_000
const LOST_BATCH = 100
const DELETED_BATCH = 1_000

/** What one node among several does for the others: it says that it lives, and speaks for those that do not. */
export class NodeKeeping {
  readonly #nodes: Nodes
  readonly #catalogue: Catalogue
  readonly #live: LiveRecordings
  readonly #mediaStore: MediaStore
  readonly #clock: Clock
  readonly #lostAfterMs: number
  /** Since when every beat of this node was heard; undefined when the last one was not. */
  #heardSinceMs: number | undefined

  constructor(parts: {
    readonly nodes: Nodes
    readonly catalogue: Catalogue
    readonly live: LiveRecordings
    readonly mediaStore: MediaStore
    readonly clock: Clock
    readonly lostAfterMs: number
  }) {
    this.#nodes = parts.nodes
    this.#catalogue = parts.catalogue
    this.#live = parts.live
    this.#mediaStore = parts.mediaStore
    this.#clock = parts.clock
    this.#lostAfterMs = parts.lostAfterMs
  }

  /** Says that this node lives, and ends the recordings of calls here that were deleted through another one. Rejects as the catalogue does. */
  async beat(): Promise<void> {
    await this.#nodes.beat().catch((error: unknown) => {
      this.#heardSinceMs = undefined
      throw error
    })
    this.#heardSinceMs ??= this.#clock.nowMs()
    const live = this.#live.list()
    if (live.length === 0) return
    const unsettled = new Set((await this.#catalogue.listUnsettled()).map(({ id }) => id))
    for (const { projectId, id } of live) {
      const isDeleted = !unsettled.has(id) && !(await this.#catalogue.findRecording(projectId, id))
      if (isDeleted) await this.#live.discard(id)
    }
  }

  /**
   * Removes the bytes that this node held when they were deleted. Apart from the beat, which must not wait for a media store. What fails is tried again the next time, and holds up nothing
   * else; rejects with the first failure.
   */
  async removeDeleted(signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = []
    for (const deleted of await this.#nodes.listDeleted(DELETED_BATCH)) {
      if (signal?.aborted) break
      try {
        await this.#mediaStore.remove(deleted.key)
        await this.#nodes.forgetDeleted(deleted)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /**
   * Settles the recordings of nodes that were not heard of for too long: as failed, with the code NODE_LOST, until their node returns with their audio. One node at
   * a time does it, and none that was not heard itself all that time: while the catalogue is away everybody is silent, and nobody is lost. The number settled.
   * Rejects as the catalogue does.
   */
  async settleLost(signal?: AbortSignal): Promise<number> {
    let settled = 0
    if (!this.#wasHeardFor(this.#lostAfterMs)) return settled
    if (!(await this.#nodes.lease('settle lost', 2 * SETTLE_LOST_EVERY_MS))) return settled
    for (;;) {
      const lost = await this.#nodes.listLost(this.#lostAfterMs, LOST_BATCH)
      for (const recording of lost) if (!signal?.aborted && (await this.#settle(recording))) settled += 1
      if (lost.length < LOST_BATCH || signal?.aborted) return settled
    }
  }

  #wasHeardFor(ms: number): boolean {
    return this.#heardSinceMs !== undefined && this.#clock.nowMs() - this.#heardSinceMs >= ms
  }

  /** False when it has become final, or was deleted, meanwhile. */
  async #settle({ projectId, id }: Recording): Promise<boolean> {
    const recording = await this.#catalogue.findRecording(projectId, id)
    const details = await this.#catalogue.findCallDetails(projectId, id)
    const nowMs = this.#clock.nowMs()
    try {
      if (!recording) return false
      const failed = { ...recording, status: 'failed', errorCode: NODE_LOST, updatedAtMs: nowMs } as const
      await this.#catalogue.settleRecording(failed, details && { ...details, endReason: NODE_LOST, endedAtMs: nowMs })
      return true
    } catch (error) {
      if (hasCode(error, 'CATALOGUE_CONFLICT') || hasCode(error, 'CATALOGUE_NOT_FOUND')) return false
      throw error
    }
  }
}
