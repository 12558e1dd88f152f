import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { MediaWriter } from '../../ports/media-store.ts'
import type { BufferPool } from './buffer-pool.ts'
import { syncFolder } from './folders.ts'
import { unfinishedName } from './paths.ts'
import { translateError } from './translate-error.ts'

const PRIVATE_FILE = 0o600
const NONCE_BYTES = 6

/** Starts an object that will be at `path`, in a folder that exists. Collects as much as a buffer holds before it writes: few large writes cost less. */
export const openFileWriter = async (path: string, buffers: BufferPool): Promise<MediaWriter> => {
  const unfinished = join(dirname(path), unfinishedName(basename(path), randomBytes(NONCE_BYTES).toString('hex')))
  const handle = await open(unfinished, 'wx', PRIVATE_FILE)
  return new FileWriter(handle, unfinished, path, buffers)
}

class FileWriter implements MediaWriter {
  readonly #handle: FileHandle
  readonly #unfinished: string
  readonly #path: string
  readonly #buffers: BufferPool
  readonly #buffer: Buffer
  #collectedBytes = 0
  #state: 'open' | 'finalised' | 'aborted' = 'open'
  byteSize = 0

  constructor(handle: FileHandle, unfinished: string, path: string, buffers: BufferPool) {
    this.#handle = handle
    this.#unfinished = unfinished
    this.#path = path
    this.#buffers = buffers
    this.#buffer = buffers.take()
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const taken = rest.subarray(0, this.#buffer.length - this.#collectedBytes)
      this.#buffer.set(taken, this.#collectedBytes)
      this.#collectedBytes += taken.length
      this.byteSize += taken.length
      rest = rest.subarray(taken.length)
      if (this.#collectedBytes === this.#buffer.length) await this.#translated(() => this.#flush())
    }
  }

  async finalise(header?: Uint8Array): Promise<void> {
    await this.#translated(async () => {
      await this.#flush()
      if (header) await this.#writeAll(header, 0)
      await this.#handle.datasync()
      await this.#handle.close()
      // link() refuses to replace, so an object that exists stays as it is, even between two processes.
      await link(this.#unfinished, this.#path)
      this.#state = 'finalised'
      this.#buffers.give(this.#buffer)
      await unlink(this.#unfinished)
      await syncFolder(dirname(this.#path))
    })
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'aborted'
    this.#buffers.give(this.#buffer)
    // What cannot be removed now is swept later; an abort has nobody to complain to.
    await this.#handle.close().catch(() => {})
    await unlink(this.#unfinished).catch(() => {})
  }

  async #flush(): Promise<void> {
    const collected = this.#buffer.subarray(0, this.#collectedBytes)
    this.#collectedBytes = 0
    await this.#writeAll(collected, this.byteSize - collected.length)
  }

  /** All of the bytes: a write may take fewer than it was given, on a disk that is nearly full for instance. */
  async #writeAll(bytes: Uint8Array, positionBytes: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, positionBytes + done)
      done += bytesWritten
    }
  }

  async #translated(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw translateError(error)
    }
  }
}
