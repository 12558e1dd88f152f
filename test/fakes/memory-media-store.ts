import { hash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { PoulsenError } from '../../src/domain/errors.ts'
import type { ByteRange, MediaKey, MediaStat, MediaStore, MediaWriter } from '../../src/ports/media-store.ts'

const KEY = /^[a-z0-9-][a-z0-9.-]*(\/[a-z0-9-][a-z0-9.-]*)*$/
const CHUNK_BYTES = 1000
const KEY_LENGTH_MAX = 200

const error = (code: string, kind: 'not-found' | 'conflict' | 'invalid' | 'corrupt') =>
  new PoulsenError({ code, kind, message: code })

interface Stored {
  readonly bytes: Buffer
  readonly modifiedMs: number
}

/** The media store's contract in the simplest way there is. Lends one small buffer to each reader, so that who keeps chunks is found out. */
export class MemoryMediaStore implements MediaStore {
  readonly #objects = new Map<MediaKey, Stored>()
  readonly #nowMs: () => number
  /** Writers that were neither finalised nor aborted. */
  unended = 0

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  async open(key: MediaKey): Promise<MediaWriter> {
    requireKey(key)
    this.unended += 1
    let chunks: Buffer[] = []
    let isOpen = true
    const end = () => {
      if (isOpen) this.unended -= 1
      isOpen = false
    }
    return {
      get byteSize() {
        return chunks.reduce((sum, { length }) => sum + length, 0)
      },
      append: async (bytes) => void chunks.push(Buffer.from(bytes)),
      finalise: async (header) => {
        if (this.#objects.has(key)) throw error('MEDIA_CONFLICT', 'conflict')
        const bytes = Buffer.concat(chunks)
        if (header) bytes.set(header)
        this.#objects.set(key, { bytes, modifiedMs: this.#nowMs() })
        end()
      },
      abort: async () => {
        if (isOpen) chunks = []
        end()
      },
    }
  }

  async prepare(key: MediaKey): Promise<void> {
    requireKey(key)
  }

  async adopt(key: MediaKey, path: string, sha256?: string): Promise<void> {
    requireKey(key)
    const found = this.#objects.get(key)
    const bytes = existsSync(path) ? readFileSync(path) : undefined
    if (!found && !bytes) throw error('MEDIA_NOT_FOUND', 'not-found')
    if (found && bytes && !bytes.equals(found.bytes)) throw error('MEDIA_CONFLICT', 'conflict')
    if (bytes && sha256 !== undefined && hash('sha256', bytes) !== sha256) throw error('MEDIA_CORRUPT', 'corrupt')
    if (!found && bytes) this.#objects.set(key, { bytes, modifiedMs: this.#nowMs() })
    rmSync(path, { force: true })
  }

  async stat(key: MediaKey): Promise<MediaStat> {
    const { bytes, modifiedMs } = this.#get(key)
    return { key, byteSize: bytes.length, modifiedMs }
  }

  async read(key: MediaKey, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { bytes } = this.#get(key)
    return lend(bytes.subarray(range?.startBytes, range?.endBytes), signal)
  }

  async remove(key: MediaKey): Promise<boolean> {
    requireKey(key)
    return this.#objects.delete(key)
  }

  async *list(): AsyncGenerator<MediaStat> {
    for (const [key, { bytes, modifiedMs }] of [...this.#objects]) yield { key, byteSize: bytes.length, modifiedMs }
  }

  /** Nothing outlives the process here. */
  async sweepUnfinished(): Promise<number> {
    return 0
  }

  async freeBytes(): Promise<undefined> {
    return undefined
  }

  async check(): Promise<void> {}

  #get(key: MediaKey): Stored {
    requireKey(key)
    const found = this.#objects.get(key)
    if (!found) throw error('MEDIA_NOT_FOUND', 'not-found')
    return found
  }
}

const requireKey = (key: MediaKey): void => {
  if (key.length > KEY_LENGTH_MAX || !KEY.test(key)) throw error('MEDIA_KEY_INVALID', 'invalid')
}

async function* lend(bytes: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const lent = Buffer.alloc(CHUNK_BYTES)
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    signal?.throwIfAborted()
    yield lent.subarray(0, bytes.copy(lent, 0, offset))
  }
}
