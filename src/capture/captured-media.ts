import type { FileContent } from '../audio/timeline/file-encoder.ts'
import type { MixFormat } from '../audio/timeline/mix-encoder.ts'
import type { EndReason, Gap, StreamQuality } from '../domain/call-details.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { MediaKey } from '../ports/media-store.ts'
import type { StreamPlan } from './call-recorder.ts'

/** A recording in progress, as capture knows it; what the journal says at its beginning. JSON. */
export interface LiveRecording {
  readonly recordingId: Uuid
  readonly projectId: Uuid
  /** Where its bytes will be in the media store. */
  readonly mediaKey: MediaKey
  readonly streams: readonly StreamPlan[]
  /** How several streams are mixed; absent: there is one, kept as received. */
  readonly mix?: MixFormat
  readonly maxMs: number
  /** Recordings of one call that have a stream each: the silence of one ends it only when all are silent. */
  readonly group?: string
}

/** What came of a recording. JSON. */
export interface CapturedMedia {
  readonly reason: EndReason
  readonly endedAtMs: number
  /** Absent when no audio came, or none could be kept; there is no file then. */
  readonly byteSize?: number
  readonly durationMs: number
  /** What the file holds, where its packets tell. */
  readonly content?: FileContent
  readonly streams: readonly StreamQuality[]
  readonly gaps: readonly Gap[]
}

/** Where growing files lie in the capture folder. */
export const GROWING_FOLDER = 'recordings'

/** The growing file of a recording. */
export const growingName = (recordingId: Uuid, format: string): string => `${GROWING_FOLDER}/${recordingId}.${format}`
