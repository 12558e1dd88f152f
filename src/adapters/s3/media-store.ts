import { hash } from 'node:crypto'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ByteRange, MediaKey, MediaStat, MediaStore, MediaWriter } from '../../ports/media-store.ts'
import { adoptFile } from './adopt-file.ts'
import { Bucket } from './bucket.ts'
import { createClients, type S3Credentials } from './client.ts'
import { ObjectWriter } from './object-writer.ts'
import { sweepUploads } from './part-upload.ts'
import { readObject } from './read-object.ts'
import type { S3Location } from './s3-url.ts'
import { startFailure } from './start-failure.ts'
import { notFound } from './translate-error.ts'

/** Where the store is, and who asks. */
export interface S3MediaStoreOptions {
  readonly location: S3Location
  /** Absent: those of the AWS chain (environment, shared files, web identity, container, instance). */
  readonly credentials?: S3Credentials
}

/** What a presigned URL gives. */
export interface PresignOptions {
  /** From 1 to 604,800. */
  readonly expiresInSeconds: number
  /** The Content-Type of the answer. */
  readonly contentType: string
}

/**
 * The media store in an S3 bucket. Beside the port's contract:
 * - Keys must be unique for every attempt: finalise and adopt ask first whether there is an object (MEDIA_CONFLICT), but of rivals that ask at the same time more
 *   than one may win. `If-None-Match` would decide it, but is refused or ignored by many servers.
 * - Bodies are signed with their SHA-256, which the server verifies. Objects in one request, adopted files and those whose hash was known before have that of the whole as metadata; reading such an object
 *   whole verifies it, and ends with MEDIA_CORRUPT (corrupt) instead of well when it differs.
 * - A finalise that rejected with MEDIA_UNAVAILABLE may have been done all the same: what is there then has no row, and is swept.
 * - MEDIA_STORE_UNUSABLE (unavailable, not retryable): the server refuses credentials, bucket or permission.
 */
export interface S3MediaStore extends MediaStore {
  /** A URL that gives the object to whoever has it. Does not look whether there is one. */
  presign(key: MediaKey, options: PresignOptions): Promise<string>
  /** Closes its connections. */
  close(): void
}

/** No key can be that: it starts with a dot. */
const PROBE_NAME = '.poulsen-check'

/**
 * Opens a store in a bucket that is there, once an object could be listed, written and deleted. Rejects with MEDIA_STORE_UNUSABLE, which says why; `isAway` (start-failure.ts) tells
 * whether the server did not answer, or refused.
 */
export const openS3MediaStore = async ({ location, credentials }: S3MediaStoreOptions): Promise<S3MediaStore> => {
  const store = connectS3MediaStore({ location, ...(credentials ? { credentials } : {}) })
  try {
    await store.probe()
    return store
  } catch (error) {
    store.close()
    throw error
  }
}

/** The same without asking the server anything: for a store that is known and does not answer now. */
export const connectS3MediaStore = ({ location, credentials }: S3MediaStoreOptions): BucketMediaStore =>
  new BucketMediaStore(new Bucket(location, createClients(location, credentials)))

class BucketMediaStore implements S3MediaStore {
  readonly #bucket: Bucket

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** Lists, writes and deletes. Rejects with MEDIA_STORE_UNUSABLE. */
  async probe(): Promise<void> {
    const bucket = this.#bucket
    const address = bucket.addressOfName(PROBE_NAME)
    const bytes = Buffer.from(PROBE_NAME)
    const steps: readonly (readonly [tried: string, step: () => Promise<unknown>])[] = [
      ['listing objects', () => bucket.listPage(undefined, 1)],
      ['writing an object', () => bucket.put(address, bytes, hash('sha256', bytes))],
      ['deleting an object', () => bucket.delete(address)],
    ]
    for (const [tried, step] of steps)
      await step().catch((error: unknown) => {
        throw startFailure(error, bucket.location, tried)
      })
  }

  async open(key: MediaKey, sha256?: string): Promise<MediaWriter> {
    return new ObjectWriter(this.#bucket, this.#bucket.addressOf(key), sha256)
  }

  /** There are no folders. */
  async prepare(key: MediaKey): Promise<void> {
    this.#bucket.addressOf(key)
  }

  async adopt(key: MediaKey, path: string, sha256?: string): Promise<void> {
    await adoptFile(this.#bucket, this.#bucket.addressOf(key), path, sha256)
  }

  async stat(key: MediaKey): Promise<MediaStat> {
    const found = await this.#bucket.head(this.#bucket.addressOf(key))
    if (!found) throw notFound()
    return { key, byteSize: found.byteSize, modifiedMs: found.modifiedMs }
  }

  async read(key: MediaKey, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return await readObject(this.#bucket, this.#bucket.addressOf(key), range, signal)
  }

  /** A delete does not say whether there was an object. */
  async remove(key: MediaKey): Promise<boolean> {
    const address = this.#bucket.addressOf(key)
    if (!(await this.#bucket.head(address))) return false
    await this.#bucket.delete(address)
    return true
  }

  list(): AsyncIterable<MediaStat> {
    return this.#bucket.list()
  }

  async sweepUnfinished(beforeMs: number): Promise<number> {
    return await sweepUploads(this.#bucket, beforeMs)
  }

  async freeBytes(): Promise<undefined> {
    return undefined
  }

  async check(): Promise<void> {
    await this.#bucket.check()
  }

  async presign(key: MediaKey, { expiresInSeconds, contentType }: PresignOptions): Promise<string> {
    const command = new GetObjectCommand({ ...this.#bucket.addressOf(key), ResponseContentType: contentType })
    return await getSignedUrl(this.#bucket.clients.requests, command, { expiresIn: expiresInSeconds })
  }

  close(): void {
    this.#bucket.clients.requests.destroy()
    this.#bucket.clients.reads.destroy()
  }
}
