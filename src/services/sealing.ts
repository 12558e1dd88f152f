import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { hasCode } from '../domain/errors.ts'
import { isFinal, type Recording } from '../domain/recording.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { MediaKey, MediaStore } from '../ports/media-store.ts'

/** Recordings that may wait for their hash in memory; what finds no room is found in the catalogue by the next pass. */
export const SEAL_QUEUE_MAX = 1000
/** Recordings that a pass asks the catalogue for at a time. */
const BATCH = 100
/** A pass that met so many recordings without bytes ends: something is wrong that no hash cures. */
const MISSING_MAX = 10_000

/** What a pass did. `missing` had no bytes (any more); `poulsen verify` tells which of them should have. */
export interface Sealed {
  readonly sealed: number
  readonly missing: number
}

/**
 * Computes the SHA-256 of recordings that came without one: those of live calls, whose end does not wait for it. In the background one at a time,
 * and whatever a stop or a crash leaves unsealed, the next pass over the catalogue finds.
 */
export class Sealing {
  readonly #catalogue: Catalogue
  readonly #mediaStore: MediaStore
  readonly #ending = new AbortController()
  #queued = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(ports: { readonly catalogue: Catalogue; readonly mediaStore: MediaStore }) {
    this.#catalogue = ports.catalogue
    this.#mediaStore = ports.mediaStore
  }

  /**
   * Takes a recording that was just settled; returns at once and never throws. What fails, or finds no room among {@link SEAL_QUEUE_MAX}, is met
   * again by {@link Sealing.sealUnsealed}, which reports.
   */
  add(recording: Recording): void {
    if (this.#queued >= SEAL_QUEUE_MAX || this.#ending.signal.aborted) return
    this.#queued += 1
    void this.#inTurn(() => this.seal(recording, this.#ending.signal))
      .catch(() => {})
      .finally(() => {
        this.#queued -= 1
      })
  }

  /** One pass over what the catalogue has unsealed. Ends early, without error, when aborted. Rejects with MEDIA_… and CATALOGUE_… codes. */
  async sealUnsealed(signal?: AbortSignal): Promise<Sealed> {
    const ending = signal ? AbortSignal.any([signal, this.#ending.signal]) : this.#ending.signal
    const missing = new Set<MediaKey>()
    let sealed = 0
    while (!ending.aborted && missing.size < MISSING_MAX) {
      const unsealed = await this.#catalogue.listUnsealed(BATCH + missing.size)
      const next = unsealed.filter(({ media }) => media && !missing.has(media.key))
      if (next.length === 0) break
      for (const recording of next) {
        if (await this.#sealIfThere(recording, ending)) sealed += 1
        else if (!ending.aborted && recording.media) missing.add(recording.media.key)
      }
    }
    return { sealed, missing: missing.size }
  }

  /**
   * The recording with its hash, computed now when it is not known. Unchanged when it is in progress or has no media: there is nothing to hash.
   * Rejects with MEDIA_… and CATALOGUE_… codes, or when aborted.
   */
  async seal(recording: Recording, signal?: AbortSignal): Promise<Recording> {
    const { media, projectId, id } = recording
    if (!media || media.sha256 !== undefined || !isFinal(recording.status)) return recording
    const sha256 = await this.#hash(media.key, signal)
    await this.#catalogue.sealRecording(projectId, id, sha256)
    return { ...recording, media: { ...media, sha256 } }
  }

  /** Ends what runs and what waits. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#turn
  }

  /** False when its bytes are not there, or when aborted. */
  async #sealIfThere(recording: Recording, ending: AbortSignal): Promise<boolean> {
    try {
      await this.#inTurn(() => this.seal(recording, ending))
      return true
    } catch (error) {
      if (ending.aborted || hasCode(error, 'MEDIA_NOT_FOUND')) return false
      throw error
    }
  }

  /** Lets everything else go first between two chunks. */
  async #hash(key: MediaKey, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const hash = createHash('sha256')
    for await (const chunk of await this.#mediaStore.read(key, undefined, signal)) {
      hash.update(chunk)
      await setImmediate()
    }
    return hash.digest('hex')
  }

  /** Runs work behind what was given before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work)
    this.#turn = run.catch(() => {})
    return run
  }
}
