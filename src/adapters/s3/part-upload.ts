import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Bucket, ObjectAddress } from './bucket.ts'
import { describeFailure } from './translate-error.ts'
import { deadlineFor, within } from './within.ts'

/** Parts of an upload that are on their way at once. */
export const PARTS_IN_FLIGHT_MAX = 2
/** Servers join the parts of a large object before they answer. */
const COMPLETE_MS = 120_000
const NO_BODY_MS = deadlineFor(0)

/** One upload in parts. Exactly one of complete and abort ends it. Rejections are the port's. */
export class PartUpload {
  readonly #bucket: Bucket
  readonly #address: ObjectAddress
  readonly #uploadId: string
  readonly #tags: string[] = []
  readonly #inFlight = new Set<Promise<void>>()
  readonly #over = new AbortController()
  #failure: unknown

  private constructor(bucket: Bucket, address: ObjectAddress, uploadId: string) {
    this.#bucket = bucket
    this.#address = address
    this.#uploadId = uploadId
  }

  /** `sha256`, of the whole object, must be known now or never: a server takes metadata only at the beginning. */
  static async begin(bucket: Bucket, address: ObjectAddress, sha256: string | undefined): Promise<PartUpload> {
    const command = new CreateMultipartUploadCommand({ ...address, ...bucket.uploadFields(sha256) })
    const { UploadId } = await within(NO_BODY_MS, (abortSignal) =>
      bucket.clients.requests.send(command, { abortSignal }),
    )
    return new PartUpload(bucket, address, UploadId ?? '')
  }

  /**
   * Takes a part, by its number from 1 on; resolves when it is on its way, after it has waited for those before. Rejects with the failure of any part so far.
   * `onSent` is called when the bytes are not needed any more.
   */
  async add(partNumber: number, bytes: Uint8Array, onSent: () => void = () => {}): Promise<void> {
    while (this.#inFlight.size >= PARTS_IN_FLIGHT_MAX) await Promise.race(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure
    const sending = this.#send(partNumber, bytes)
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#inFlight.delete(sending)
        onSent()
      })
    this.#inFlight.add(sending)
  }

  /** Makes the parts an object. */
  async complete(byteSize: number): Promise<void> {
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure
    const Parts = this.#tags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }))
    const command = new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts } })
    try {
      await within(COMPLETE_MS, (abortSignal) => this.#bucket.clients.requests.send(command, { abortSignal }))
    } catch (error) {
      if (!(await this.#isCompleted(error, byteSize))) throw error
    }
  }

  /** Forgets the parts. Never rejects: what cannot be aborted now is swept later. */
  async abort(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#inFlight)
    await abortUpload(this.#bucket, this.#upload).catch(() => {})
  }

  get #upload() {
    return { ...this.#address, UploadId: this.#uploadId }
  }

  async #send(partNumber: number, bytes: Uint8Array): Promise<void> {
    const command = new UploadPartCommand({ ...this.#upload, PartNumber: partNumber, Body: bytes })
    const { ETag } = await within(
      deadlineFor(bytes.length),
      (abortSignal) => this.#bucket.clients.requests.send(command, { abortSignal }),
      this.#over.signal,
    )
    this.#tags[partNumber - 1] = ETag ?? ''
  }

  /** A completion whose answer was lost is sent again, and finds no upload any more but the object. */
  async #isCompleted(error: unknown, byteSize: number): Promise<boolean> {
    if (describeFailure((error as Error).cause).name !== 'NoSuchUpload') return false
    return (await this.#bucket.head(this.#address))?.byteSize === byteSize
  }
}

interface Upload extends ObjectAddress {
  readonly UploadId: string
}

const abortUpload = async (bucket: Bucket, upload: Upload): Promise<void> => {
  const command = new AbortMultipartUploadCommand(upload)
  await within(NO_BODY_MS, (abortSignal) => bucket.clients.requests.send(command, { abortSignal }))
}

/** Aborts the uploads below the prefix that nothing has come for since `beforeMs`; the number. */
export const sweepUploads = async (bucket: Bucket, beforeMs: number): Promise<number> => {
  let swept = 0
  for await (const { upload, initiatedMs } of listUploads(bucket)) {
    if (initiatedMs >= beforeMs || (await newestPartMs(bucket, upload)) >= beforeMs) continue
    await abortUpload(bucket, upload)
    swept += 1
  }
  return swept
}

async function* listUploads(bucket: Bucket): AsyncGenerator<{ readonly upload: Upload; readonly initiatedMs: number }> {
  const { bucket: Bucket } = bucket.location
  let after: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {}
  while (after) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket,
      Prefix: bucket.root,
      ...after,
    })
    const page = await within(NO_BODY_MS, (abortSignal) => bucket.clients.requests.send(command, { abortSignal }))
    for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
      if (Key !== undefined && UploadId !== undefined)
        yield { upload: { Bucket, Key, UploadId }, initiatedMs: Initiated?.getTime() ?? 0 }
    after = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined
  }
}

/** When the last part came; 0 without any. */
const newestPartMs = async (bucket: Bucket, upload: Upload): Promise<number> => {
  let newestMs = 0
  let after: string | undefined = '0'
  while (after !== undefined) {
    const command: ListPartsCommand = new ListPartsCommand({ ...upload, PartNumberMarker: after })
    const page = await within(NO_BODY_MS, (abortSignal) => bucket.clients.requests.send(command, { abortSignal }))
    for (const { LastModified } of page.Parts ?? []) newestMs = Math.max(newestMs, LastModified?.getTime() ?? 0)
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined
  }
  return newestMs
}
