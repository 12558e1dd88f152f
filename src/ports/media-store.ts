/** A key of the media store: path segments of `[a-z0-9.-]`, joined by `/`, at most 200 characters, no segment starting with a dot. */
export type MediaKey = string

/** What the store knows of an object, finished or not. */
export interface MediaStat {
  readonly key: MediaKey
  readonly byteSize: number
  readonly modifiedMs: number
}

/** Half-open range of bytes: `startBytes` included, `endBytes` not. */
export interface ByteRange {
  readonly startBytes: number
  readonly endBytes: number
}

/** An object being written. Exactly one of finalise and abort ends it; nothing is visible under its key before finalise resolves. */
export interface MediaWriter {
  /** Bytes appended so far. */
  readonly byteSize: number
  /** Resolves when the store can take more. Calls may not overlap. Nothing of `bytes` is kept once it has resolved. */
  append(bytes: Uint8Array): Promise<void>
  /**
   * Makes the object durable and visible under its key, all or nothing. `header`, when given, first overwrites the
   * object's beginning (a container whose sizes are known only at the end); it must not be longer than what was appended.
   */
  finalise(header?: Uint8Array): Promise<void>
  /** Forgets what was written. Never rejects; idempotent; after finalise it does nothing. */
  abort(): Promise<void>
}

/**
 * The bytes.
 *
 * Contract, held by every adapter (test/contract/media-store.contract.ts):
 * - An object exists only whole: a finalise that has resolved survives `kill -9` and loss of power, one that has not leaves nothing under the key.
 * - Objects are immutable: finalise (or adopt) on an existing key rejects with MEDIA_CONFLICT (conflict) and leaves the first untouched.
 * - Rejections are PoulsenErrors: MEDIA_NOT_FOUND (not-found), MEDIA_CONFLICT (conflict), MEDIA_DISK_FULL (unavailable, with a hint),
 *   MEDIA_UNAVAILABLE (unavailable), MEDIA_STORE_UNUSABLE (unavailable, not retryable: it refuses), MEDIA_CORRUPT (corrupt), MEDIA_KEY_INVALID (invalid; also what keeps any path from leaving the store).
 */
export interface MediaStore {
  /**
   * Starts an object. Holds one file descriptor until finalise or abort. `sha256`, in lower-case hexadecimal, is what its bytes will hash to, where that is known before: a store that keeps
   * hashes has it then of objects of any size. Who gives it compares before finalise.
   */
  open(key: MediaKey, sha256?: string): Promise<MediaWriter>
  /**
   * Makes ahead of time what finalise or adopt under this key would else have to make first (a folder), so that they are quick when it counts.
   * Needed by nobody: they work without it.
   */
  prepare(key: MediaKey): Promise<void>
  /**
   * Makes a finished file of this machine an object, and takes it away from `path`. All or nothing: its writer has made its bytes
   * durable and does not touch it any more, and what has resolved survives as what was finalised does. Takes constant time when the file is on the
   * store's own file system; else its bytes are copied. May be repeated after a crash, or after any other rejection: resolves when the object is
   * that file already, or its bytes, or when the object is there and the file is gone. Counts as modified now, whenever its bytes were written.
   * Rejects with MEDIA_CONFLICT when the object has other bytes, and the file stays; with MEDIA_NOT_FOUND when there is neither object nor file. `sha256`, in lower-case hexadecimal, is
   * what its bytes have to hash to, where that is known: a store that reads them for their hash rejects others with MEDIA_CORRUPT, and the file stays.
   */
  adopt(key: MediaKey, path: string, sha256?: string): Promise<void>
  /** Rejects with MEDIA_NOT_FOUND. */
  stat(key: MediaKey): Promise<MediaStat>
  /**
   * The object's bytes, or a range of them that lies within the object, in order, in chunks of at most 1 MiB. A chunk is lent: its bytes change when
   * the next one is asked for. The object is opened before this
   * resolves, so that a later remove does not cut the reader short. It is closed when the iteration ends, however it ends; who
   * may never iterate must give a signal and abort it, which also ends a running iteration with an error.
   */
  read(key: MediaKey, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /** True when there was one. Durable once resolved. */
  remove(key: MediaKey): Promise<boolean>
  /** Every finished object, in no order. */
  list(): AsyncIterable<MediaStat>
  /** Removes what unfinished writers left behind and has not been touched since `beforeMs`; the number removed. */
  sweepUnfinished(beforeMs: number): Promise<number>
  /** Free bytes where objects land; undefined where that has no meaning. */
  freeBytes(): Promise<number | undefined>
  /** Rejects with MEDIA_UNAVAILABLE or MEDIA_DISK_FULL when the store cannot take writes. */
  check(): Promise<void>
}

/** A media store on this machine's own disk. */
export interface LocalMediaStore extends MediaStore {
  /** The file that an object is, or would be. Throws MEDIA_KEY_INVALID. */
  pathOf(key: MediaKey): string
  /**
   * Makes a finished file of this machine, which nobody changes any more, an object too, and leaves it where it is: an object of another store, for a backup. On the store's own
   * file system the two are one file with two names, else its bytes are copied. For one caller at a time. Rejects with MEDIA_CONFLICT when there is such an object, MEDIA_NOT_FOUND when there is no such file.
   */
  share(key: MediaKey, path: string): Promise<void>
}
