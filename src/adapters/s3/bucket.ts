import {
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { hasCode } from '../../domain/errors.ts'
import { isMediaKey, requireMediaKey } from '../../domain/media-key.ts'
import type { MediaKey, MediaStat } from '../../ports/media-store.ts'
import type { S3Clients } from './client.ts'
import type { S3Location } from './s3-url.ts'
import { deadlineFor, within } from './within.ts'

/** The metadata (`x-amz-meta-sha256`) with the lower-case hexadecimal SHA-256 of the whole object. */
export const SHA256_METADATA = 'sha256'
const CHECK_MS = 3_000
const NO_BODY_MS = deadlineFor(0)

/** What a HEAD says of an object. */
export interface ObjectHead {
  readonly byteSize: number
  readonly modifiedMs: number
  readonly sha256: string | undefined
}

/** Where an object is, as commands have it. */
export interface ObjectAddress {
  readonly Bucket: string
  readonly Key: string
}

/** What every upload of an object says beside its address. */
export interface UploadFields {
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms'
  readonly SSEKMSKeyId?: string
  readonly Metadata?: Record<string, string>
}

/** Whole objects in one bucket, below one prefix. Rejections are the port's. */
export class Bucket {
  readonly location: S3Location
  readonly clients: S3Clients

  constructor(location: S3Location, clients: S3Clients) {
    this.location = location
    this.clients = clients
  }

  /** Where a key's object is. Throws MEDIA_KEY_INVALID. */
  addressOf(key: MediaKey): ObjectAddress {
    requireMediaKey(key)
    return this.addressOfName(key)
  }

  /** Where an object is that is no key's. */
  addressOfName(name: string): ObjectAddress {
    return { Bucket: this.location.bucket, Key: this.root + name }
  }

  /** What all object names begin with, with a slash at its end, or nothing. */
  get root(): string {
    const { prefix } = this.location
    return prefix && `${prefix}/`
  }

  /** The encryption that is asked for, and the hash when it is known. */
  uploadFields(sha256: string | undefined): UploadFields {
    const { sse, sseKmsKeyId } = this.location
    return {
      ...(sse === undefined ? {} : { ServerSideEncryption: sse }),
      ...(sseKmsKeyId === undefined ? {} : { SSEKMSKeyId: sseKmsKeyId }),
      ...(sha256 === undefined ? {} : { Metadata: { [SHA256_METADATA]: sha256 } }),
    }
  }

  /** Stores a small object in one request. The signature covers the SHA-256 of the bytes: the server takes no others. */
  async put(address: ObjectAddress, bytes: Uint8Array, sha256: string): Promise<void> {
    const command = new PutObjectCommand({ ...address, Body: bytes, ...this.uploadFields(sha256) })
    // The client would compute it once more.
    command.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: Record<string, string> }).headers, { 'x-amz-content-sha256': sha256 })
        return next(args)
      },
      { step: 'build' },
    )
    await within(deadlineFor(bytes.length), (abortSignal) => this.clients.requests.send(command, { abortSignal }))
  }

  /** Undefined when there is no such object. */
  async head(address: ObjectAddress): Promise<ObjectHead | undefined> {
    const command = new HeadObjectCommand(address)
    try {
      const found = await within(NO_BODY_MS, (abortSignal) => this.clients.requests.send(command, { abortSignal }))
      const { ContentLength = 0, LastModified, Metadata } = found
      return { byteSize: ContentLength, modifiedMs: LastModified?.getTime() ?? 0, sha256: Metadata?.[SHA256_METADATA] }
    } catch (error) {
      if (hasCode(error, 'MEDIA_NOT_FOUND')) return undefined
      throw error
    }
  }

  async delete(address: ObjectAddress): Promise<void> {
    const command = new DeleteObjectCommand(address)
    await within(NO_BODY_MS, (abortSignal) => this.clients.requests.send(command, { abortSignal }))
  }

  /** Every object whose name is a key. */
  async *list(): AsyncGenerator<MediaStat> {
    let token: string | undefined
    do {
      const page = await this.listPage(token)
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const key = Key.slice(this.root.length)
        // A HEAD tells whole seconds; the two must agree.
        if (isMediaKey(key)) yield { key, byteSize: Size, modifiedMs: wholeSeconds(LastModified) }
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  /** One page of the list, of at most `countMax` objects. */
  async listPage(token?: string, countMax?: number) {
    const command = new ListObjectsV2Command({
      Bucket: this.location.bucket,
      Prefix: this.root,
      ContinuationToken: token,
      MaxKeys: countMax,
    })
    return await within(NO_BODY_MS, (abortSignal) => this.clients.requests.send(command, { abortSignal }))
  }

  /** Cheap; rejects within three seconds when the bucket does not answer. */
  async check(): Promise<void> {
    const command = new HeadBucketCommand({ Bucket: this.location.bucket })
    await within(CHECK_MS, (abortSignal) => this.clients.requests.send(command, { abortSignal }))
  }
}

const wholeSeconds = (date: Date | undefined): number => Math.floor((date?.getTime() ?? 0) / 1000) * 1000
