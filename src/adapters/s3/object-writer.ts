import { hash } from 'node:crypto'
import type { MediaWriter } from '../../ports/media-store.ts'
import type { Bucket, ObjectAddress } from './bucket.ts'
import { growingPartBytes } from './part-size.ts'
import { PartUpload } from './part-upload.ts'
import { conflict } from './translate-error.ts'

/** Room for a minute of a call: what is larger is copied as it grows. */
const FIRST_BUFFER_BYTES = 1024 ** 2

/**
 * Collects an object. What fits one part goes in one request; else its parts are sent as they are full, but the first, which is held back until finalise puts the
 * header over it. Holds four parts at most: that one, the one that is filled, and two on their way.
 */
export class ObjectWriter implements MediaWriter {
  readonly #bucket: Bucket
  readonly #address: ObjectAddress
  readonly #sha256: string | undefined
  /** Buffers of parts that have been sent, to be filled again. */
  readonly #spare: Buffer[] = []
  #heldBack: Buffer | undefined
  #partNumber = 1
  #part: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  #partBytes = 0
  #upload: PartUpload | undefined
  #isOpen = true
  byteSize = 0

  constructor(bucket: Bucket, address: ObjectAddress, sha256?: string) {
    this.#bucket = bucket
    this.#sha256 = sha256
    this.#address = address
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#partBytes === growingPartBytes(this.#partNumber)) await this.#nextPart()
      const taken = rest.subarray(0, growingPartBytes(this.#partNumber) - this.#partBytes)
      this.#makeRoom(this.#partBytes + taken.length)
      this.#part.set(taken, this.#partBytes)
      this.#partBytes += taken.length
      this.byteSize += taken.length
      rest = rest.subarray(taken.length)
    }
  }

  async finalise(header?: Uint8Array): Promise<void> {
    const last = this.#part.subarray(0, this.#partBytes)
    const first = this.#heldBack ?? last
    if (header) first.set(header)
    if (this.#heldBack) await this.#finaliseParts(this.#heldBack, last)
    else await this.#finaliseWhole(last)
    this.#isOpen = false
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#upload?.abort()
  }

  async #finaliseWhole(bytes: Buffer): Promise<void> {
    await this.#requireFree()
    await this.#bucket.put(this.#address, bytes, hash('sha256', bytes))
  }

  async #finaliseParts(first: Buffer, last: Buffer): Promise<void> {
    const upload = await this.#begun()
    await upload.add(1, first)
    await upload.add(this.#partNumber, last)
    await this.#requireFree()
    await upload.complete(this.byteSize)
  }

  async #requireFree(): Promise<void> {
    if (await this.#bucket.head(this.#address)) throw conflict()
  }

  /** The hash of the whole is not known while parts go out, unless somebody knew it before: else an upload in parts goes without. */
  async #begun(): Promise<PartUpload> {
    this.#upload ??= await PartUpload.begin(this.#bucket, this.#address, this.#sha256)
    return this.#upload
  }

  /** Called with a full part when there is more to come. */
  async #nextPart(): Promise<void> {
    const full = this.#part
    if (!this.#heldBack) this.#heldBack = full
    else {
      const upload = await this.#begun()
      await upload.add(this.#partNumber, full, () => this.#spare.push(full))
    }
    this.#partNumber += 1
    this.#part = this.#spare.pop() ?? Buffer.allocUnsafeSlow(growingPartBytes(this.#partNumber))
    this.#partBytes = 0
  }

  /** A small object needs no buffer of a whole part. */
  #makeRoom(neededBytes: number): void {
    if (neededBytes <= this.#part.length) return
    const grown = Buffer.allocUnsafeSlow(
      Math.min(growingPartBytes(this.#partNumber), Math.max(neededBytes, this.#part.length * 2)),
    )
    grown.set(this.#part.subarray(0, this.#partBytes))
    this.#part = grown
  }
}
