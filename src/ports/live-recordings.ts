import type { Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { ByteRange, MediaStore } from './media-store.ts'

/** What there is now of a recording in progress: a whole, playable file of exactly `byteSize` bytes, header included. */
export interface LiveMedia {
  readonly byteSize: number
  /** Equal tags mean equal bytes; a file that has grown has another. 1 to 64 characters of `[A-Za-z0-9-]`: it becomes part of an entity tag. */
  readonly tag: string
  /**
   * A range that lies within `byteSize`, in chunks that are lent as those of the media store are. The bytes of one object never change: what comes
   * after `open` is not in them. A recording that ends does not cut short who reads already; a reading that begins after it rejects with MEDIA_NOT_FOUND.
   * Opened, closed and aborted as {@link MediaStore.read} says.
   */
  read(range: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>
}

/**
 * The recordings that are being made in this process. A recording is in progress from the commit of its row until its row is final: who does not find
 * it here, and then reads a row that is not final, knows that it is another process's or was left by a crash.
 */
export interface LiveRecordings {
  /** Undefined when this recording is not (or no longer) in progress here. */
  open(recordingId: Uuid): Promise<LiveMedia | undefined>
  /** Ends one and throws its audio away, after its row was deleted; nothing happens when it is not in progress here. Never rejects. */
  discard(recordingId: Uuid): Promise<void>
  /** Those in progress here whose row has been committed, in no order. */
  list(): readonly Pick<Recording, 'projectId' | 'id'>[]
}
