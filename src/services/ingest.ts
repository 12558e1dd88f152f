import { createHash } from 'node:crypto'
import { openProbe } from '../audio/probe/probe.ts'
import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { AudioFormat, MediaObject } from '../domain/media-object.ts'
import { type Project, priceOf } from '../domain/project.ts'
import { type CallLeg, isFinal, type Recording, type RecordingStatus, type Track } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { MediaStore, MediaWriter } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { formatMediaKey } from './media-key.ts'
import type { Sealing } from './sealing.ts'

const NONCE_BYTES = 8

/** What an export knew of a recording and an import must give back; read from a sidecar, never from an HTTP client. */
export interface Restored {
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly status: RecordingStatus
  readonly errorCode?: string
  readonly price: number
}

/** Finished audio and what its sender says of it. Length, channels and format are read from the bytes. */
export interface IngestRequest {
  readonly project: Project
  /** Given by the sender: storing becomes idempotent. Absent: a fresh one. */
  readonly id?: Uuid
  readonly leg: CallLeg
  readonly track: Track
  readonly conferenceId?: Uuid
  /** When the call was recorded; becomes `created_at`. Absent: now. */
  readonly startedAtMs?: number
  readonly restored?: Restored
  /** What the bytes must hash to, when their sender knows; lower-case hexadecimal SHA-256. */
  readonly sha256?: string
  /** The bytes, in order; a chunk may be lent until the next is asked for. An error means that they were cut off; nothing is stored then. */
  readonly source: AsyncIterable<Uint8Array>
}

/** A recording that ended without audio, and everything that an export knew of it. */
export interface SilentRequest extends Pick<IngestRequest, 'project' | 'leg' | 'track' | 'conferenceId'> {
  readonly id: Uuid
  readonly restored: Restored
}

/** `stored`: new. `repeated`: this id already held the same bytes. */
export interface IngestResult {
  readonly outcome: 'stored' | 'repeated'
  readonly recording: Recording
}

/** Bounds of ingest. */
export interface IngestLimits {
  readonly sizeMaxBytes: number
  readonly concurrentMax: number
}

/** What tells bytes from others. */
interface Identity {
  readonly sha256: string
  readonly byteSize: number
}

interface Received extends Identity {
  readonly audio: AudioFormat
}

/**
 * Takes finished audio in: streams it to the media store while reading its format and hash, makes it durable, then commits the row.
 * Memory is flat whatever the size. Rejects with UPLOAD_BUSY, UPLOAD_TOO_LARGE, UPLOAD_DAMAGED, RECORDING_EXISTS, the AUDIO_… codes of the probe,
 * MEDIA_… and CATALOGUE_… codes, or whatever `source` throws; nothing is stored then.
 */
export class Ingest {
  readonly #catalogue: Catalogue
  readonly #mediaStore: MediaStore
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #telemetry: Telemetry
  readonly #sealing: Sealing
  readonly limits: IngestLimits
  #running = 0

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly mediaStore: MediaStore
    readonly clock: Clock
    readonly ids: Ids
    readonly telemetry: Telemetry
    readonly sealing: Sealing
    readonly limits: IngestLimits
  }) {
    this.#catalogue = ports.catalogue
    this.#mediaStore = ports.mediaStore
    this.#clock = ports.clock
    this.#ids = ports.ids
    this.#telemetry = ports.telemetry
    this.#sealing = ports.sealing
    this.limits = ports.limits
  }

  async ingest(request: IngestRequest): Promise<IngestResult> {
    if (this.#running >= this.limits.concurrentMax) throw busy(this.limits.concurrentMax)
    this.#running += 1
    try {
      const result = await this.#store(request, request.id ?? this.#ids.uuid())
      this.#telemetry.uploadEnded(result.outcome, result.recording.media?.byteSize ?? 0)
      return result
    } catch (error) {
      const rejected = error instanceof PoulsenError && !error.retryable && error.kind !== 'internal'
      this.#telemetry.uploadEnded(rejected ? 'rejected' : 'failed', 0)
      throw error
    } finally {
      this.#running -= 1
    }
  }

  /**
   * Gives back a recording that ended without audio: a row, and no bytes. Repeating it is harmless. Rejects with RECORDING_EXISTS when the id has
   * audio, or may still get some, and with CATALOGUE_… codes.
   */
  async restoreSilent({ project, restored, ...said }: SilentRequest): Promise<IngestResult> {
    const recording: Recording = { ...said, ...restored, projectId: project.id, durationMs: 0 }
    try {
      await this.#catalogue.createRecording(recording)
      return { outcome: 'stored', recording }
    } catch (error) {
      if (!hasCode(error, 'CATALOGUE_CONFLICT')) throw error
      const existing = await this.#catalogue.findRecording(project.id, recording.id)
      if (existing?.media || !existing || !isFinal(existing.status)) throw exists(recording.id)
      return { outcome: 'repeated', recording: existing }
    }
  }

  async #store(request: IngestRequest, id: Uuid): Promise<IngestResult> {
    // The format is known only at the end, so while it is being written the object's name says nothing of it.
    const key = formatMediaKey({ projectId: request.project.id, recordingId: id }, this.#ids.randomHex(NONCE_BYTES))
    const writer = await this.#mediaStore.open(key)
    try {
      const received = await this.#receive(request.source, writer)
      if (request.sha256 !== undefined && request.sha256 !== received.sha256) throw damaged()
      const repeated = request.id && (await this.#findRepeated(request.project.id, id, received))
      if (repeated) return { outcome: 'repeated', recording: repeated }
      const recording = this.#describe(request, id, { ...received.audio, ...received, key })
      await writer.finalise()
      return await this.#commit(recording, received)
    } finally {
      await writer.abort()
    }
  }

  async #receive(source: AsyncIterable<Uint8Array>, writer: MediaWriter): Promise<Received> {
    const probe = openProbe()
    const hash = createHash('sha256')
    for await (const chunk of source) {
      if (writer.byteSize + chunk.length > this.limits.sizeMaxBytes) throw tooLarge(this.limits.sizeMaxBytes)
      probe.append(chunk)
      hash.update(chunk)
      await writer.append(chunk)
    }
    return { audio: probe.finish(), sha256: hash.digest('hex'), byteSize: writer.byteSize }
  }

  /**
   * The recording that already has this id and these bytes; rejects with RECORDING_EXISTS when it has others, or none yet. A recorded call
   * whose hash is not known yet gets it now, if the sizes do not tell already.
   */
  async #findRepeated(projectId: Uuid, id: Uuid, { sha256, byteSize }: Identity): Promise<Recording | undefined> {
    const existing = await this.#catalogue.findRecording(projectId, id)
    if (!existing) return undefined
    if (existing.media?.byteSize !== byteSize) throw exists(id)
    const sealed = await this.#sealing.seal(existing)
    if (sealed.media?.sha256 !== sha256) throw exists(id)
    return sealed
  }

  #describe(request: IngestRequest, id: Uuid, media: MediaObject): Recording {
    const nowMs = this.#clock.nowMs()
    return {
      id,
      projectId: request.project.id,
      createdAtMs: request.startedAtMs ?? nowMs,
      updatedAtMs: nowMs,
      durationMs: media.durationMs,
      status: 'completed',
      track: request.track,
      leg: request.leg,
      ...(request.conferenceId === undefined ? {} : { conferenceId: request.conferenceId }),
      price: priceOf(request.project, media.durationMs),
      media,
      ...request.restored,
    }
  }

  /** The row, once the bytes are down. A rival that stored the same bytes under the same id meanwhile makes this a repetition. */
  async #commit(recording: Recording, identity: Identity): Promise<IngestResult> {
    try {
      await this.#catalogue.createRecording(recording)
      return { outcome: 'stored', recording }
    } catch (error) {
      // Only a refusal proves that no row names these bytes. After anything else the row may exist: the sweeper decides.
      const refused = error instanceof PoulsenError && (error.kind === 'conflict' || error.kind === 'not-found')
      if (recording.media && refused) await this.#mediaStore.remove(recording.media.key)
      if (!hasCode(error, 'CATALOGUE_CONFLICT')) throw error
      const rival = await this.#findRepeated(recording.projectId, recording.id, identity)
      if (rival) return { outcome: 'repeated', recording: rival }
      throw error
    }
  }
}

const busy = (concurrentMax: number) =>
  new PoulsenError({
    code: 'UPLOAD_BUSY',
    kind: 'unavailable',
    message: `${concurrentMax} uploads are already running.`,
    hint: 'Try again in a moment, or raise POULSEN_UPLOAD_CONCURRENT_MAX.',
  })

const tooLarge = (sizeMaxBytes: number) =>
  new PoulsenError({
    code: 'UPLOAD_TOO_LARGE',
    kind: 'too-large',
    message: `The upload is larger than ${sizeMaxBytes} bytes.`,
    hint: 'Raise POULSEN_UPLOAD_MAX_BYTES to take larger ones.',
    details: { sizeMaxBytes },
  })

const damaged = () =>
  new PoulsenError({
    code: 'UPLOAD_DAMAGED',
    kind: 'invalid',
    message: 'The bytes are not those that the SHA-256 was made of.',
    hint: 'Nothing was stored; send them again from the original.',
  })

const exists = (id: Uuid) =>
  new PoulsenError({
    code: 'RECORDING_EXISTS',
    kind: 'conflict',
    message: `Recording ${id} already exists with other bytes.`,
    hint: 'Delete it first, or use another id.',
  })
