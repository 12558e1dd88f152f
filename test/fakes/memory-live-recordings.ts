import type { LiveMedia, LiveRecordings } from '../../src/ports/live-recordings.ts'
import type { ByteRange } from '../../src/ports/media-store.ts'

const CHUNK_BYTES = 1000

/** Recordings in progress that grow when a test says so. Lends one small buffer to each reader, so that who keeps chunks is found out. */
export class MemoryLiveRecordings implements LiveRecordings {
  readonly #growing = new Map<string, Buffer>()
  /** Every id that was discarded, in progress or not. */
  readonly discarded: string[] = []
  /** Whose they are, for who lists them. */
  projectId = ''

  /** Begins a recording, or lets it grow. */
  grow(recordingId: string, bytes: Uint8Array): void {
    this.#growing.set(recordingId, Buffer.concat([this.#growing.get(recordingId) ?? Buffer.alloc(0), bytes]))
  }

  /** Ends one by hang-up: its bytes, which are somebody else's from now on. */
  end(recordingId: string): Buffer {
    const bytes = this.#growing.get(recordingId)
    if (!bytes) throw new Error(`${recordingId} is not in progress`)
    this.#growing.delete(recordingId)
    return bytes
  }

  async open(recordingId: string): Promise<LiveMedia | undefined> {
    const bytes = this.#growing.get(recordingId)
    if (!bytes) return undefined
    const read = async (range: ByteRange, signal?: AbortSignal) => lend(bytes, range, signal)
    return { byteSize: bytes.length, tag: bytes.length.toString(16), read }
  }

  list(): readonly { readonly projectId: string; readonly id: string }[] {
    return this.#growing
      .keys()
      .toArray()
      .map((id) => ({ projectId: this.projectId, id }))
  }

  async discard(recordingId: string): Promise<void> {
    this.discarded.push(recordingId)
    this.#growing.delete(recordingId)
  }
}

async function* lend(bytes: Buffer, range: ByteRange, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const lent = Buffer.alloc(CHUNK_BYTES)
  for (let offset = range.startBytes; offset < range.endBytes; offset += CHUNK_BYTES) {
    signal?.throwIfAborted()
    yield lent.subarray(0, bytes.copy(lent, 0, offset, Math.min(offset + CHUNK_BYTES, range.endBytes)))
  }
}
