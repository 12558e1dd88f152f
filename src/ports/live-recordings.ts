import type { Uuid } from '../domain/uuid.ts'
import type { ByteRange } from './media-store.ts'

/** What there is now of a recording in progress: a whole, playable file of exactly `byteSize` bytes, header included. */
export interface LiveMedia {
  readonly byteSize: number
  /** Equal tags mean equal bytes; a file that has grown has another. */
  readonly tag: string
  /** A range that lies within `byteSize`, in chunks that are lent as those of the media store are. */
  read(range: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>
}

/** The recordings that are being made in this process. */
export interface LiveRecordings {
  /** Undefined when this recording is not (or no longer) in progress here. */
  open(recordingId: Uuid): Promise<LiveMedia | undefined>
  /** Ends one and throws its audio away, after its row was deleted; nothing happens when it is not in progress here. Never rejects. */
  discard(recordingId: Uuid): Promise<void>
}
