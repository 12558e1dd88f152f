import { setTimeout as delay } from 'node:timers/promises'
import { wavByteSize } from '../audio/transcode/encode-wav.ts'
import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { MediaObject } from '../domain/media-object.ts'
import { priceOf } from '../domain/project.ts'
import { isSettled, type Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { MediaStore } from '../ports/media-store.ts'
import { type CapturedMedia, growingName } from './captured-media.ts'

/** What settling needs. */
export interface SettlementParts {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  readonly disk: Disk
  readonly clock: Clock
  readonly onSettled: (recording: Recording) => void
  readonly onTrouble: (error: unknown, what: string) => void
}

const TRY_AGAIN_MS = 1_000

/** Makes a captured recording final: its file becomes an object of the media store, then its row says so. May be repeated at any point. */
export class Settlement {
  readonly #parts: SettlementParts
  readonly #stopping = new AbortController()

  constructor(parts: SettlementParts) {
    this.#parts = parts
  }

  /** No more repeating: what cannot be settled now is recovered by the next start. */
  stop(): void {
    this.#stopping.abort()
  }

  /** As {@link Settlement.settle}, again and again while the catalogue or the disk is not available; undefined when stopped before. */
  async settleUntilDone(projectId: Uuid, recordingId: Uuid, media: CapturedMedia): Promise<Recording | undefined> {
    while (!this.#stopping.signal.aborted) {
      try {
        return await this.settle(projectId, recordingId, media)
      } catch (error) {
        this.#parts.onTrouble(error, 'settle')
        if (!(error instanceof PoulsenError) || !error.retryable) return undefined
        await delay(TRY_AGAIN_MS, undefined, { signal: this.#stopping.signal }).catch(() => {})
      }
    }
    return undefined
  }

  /** The final recording; undefined when it was deleted meanwhile, and its file with it. Rejects with MEDIA_… and CATALOGUE_… codes. */
  async settle(projectId: Uuid, recordingId: Uuid, captured: CapturedMedia): Promise<Recording | undefined> {
    const { catalogue, disk } = this.#parts
    const recording = await catalogue.findRecording(projectId, recordingId)
    const name = growingName(recordingId, recording?.media?.format ?? 'wav')
    if (!recording || isSettled(recording)) {
      await disk.remove(name)
      return recording
    }
    const key = recording.media?.key
    const hasFile = captured.byteSize !== undefined && key !== undefined
    if (hasFile) await this.#parts.mediaStore.adopt(key, disk.pathOf(name))
    else await disk.remove(name)
    return this.#commit(recording, captured)
  }

  async #commit(recording: Recording, captured: CapturedMedia): Promise<Recording | undefined> {
    const { catalogue, clock, onSettled } = this.#parts
    const project = await catalogue.findProject(recording.projectId)
    const before = await catalogue.findCallDetails(recording.projectId, recording.id)
    const { reason: endReason, endedAtMs, streams, gaps } = captured
    const settled = finalForm(recording, captured, clock.nowMs(), project ? priceOf(project, captured.durationMs) : 0)
    try {
      await catalogue.settleRecording(settled, before && { ...before, endReason, endedAtMs, streams, gaps })
    } catch (error) {
      if (!hasCode(error, 'CATALOGUE_NOT_FOUND') && !hasCode(error, 'CATALOGUE_CONFLICT')) throw error
      // Deleted between reading and writing: its bytes go too. Settled by somebody else: theirs stands.
      const now = await catalogue.findRecording(recording.projectId, recording.id)
      if (!now && recording.media) await this.#parts.mediaStore.remove(recording.media.key)
      return now
    }
    onSettled(settled)
    return settled
  }
}

/** The recording as it is in the end. One without any audio is `no_input`, or `failed` when it was our fault. */
const finalForm = (recording: Recording, captured: CapturedMedia, nowMs: number, price: number): Recording => {
  const { media, errorCode: _none, ...rest } = recording
  const { reason, byteSize } = captured
  const durationMs = Math.round(captured.durationMs)
  const base: Omit<Recording, 'status' | 'media'> = {
    ...rest,
    updatedAtMs: nowMs,
    durationMs,
    price,
    ...(reason !== 'hangup' && { errorCode: reason }),
  }
  if (byteSize === undefined || !media) return { ...base, status: reason === 'internal' ? 'failed' : 'no_input' }
  return { ...base, status: 'completed', media: { ...media, durationMs, byteSize, ...contentOf(media, captured) } }
}

/** What packets have told of the file, and how large the WAV is that is made of it. */
const contentOf = ({ wav, sampleRateHz }: MediaObject, { content }: CapturedMedia): Partial<MediaObject> => {
  if (!content) return {}
  const { channels, frames } = content
  if (!wav) return { channels }
  return { channels, wav: { ...wav, byteSize: wavByteSize({ ...wav, channels }, frames, sampleRateHz) } }
}
