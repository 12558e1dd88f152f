import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { MediaWriter } from '../../ports/media-store.ts'
import { syncFolder } from './folders.ts'
import { unfinishedName } from './paths.ts'
import { translateError } from './translate-error.ts'

const PRIVATE_FILE = 0o600
/** Bytes collected before they are written: few large writes cost far less than many small ones. */
const COLLECT_BYTES = 512 * 1024
const NONCE_BYTES = 6

/** Starts an object that will be at `path`, in a folder that exists. */
export const openFileWriter = async (path: string): Promise<MediaWriter> => {
  const unfinished = join(dirname(path), unfinishedName(basename(path), randomBytes(NONCE_BYTES).toString('hex')))
  const handle = await open(unfinished, 'wx', PRIVATE_FILE)
  return new FileWriter(handle, unfinished, path)
}

class FileWriter implements MediaWriter {
  readonly #handle: FileHandle
  readonly #unfinished: string
  readonly #path: string
  #collected: Uint8Array[] = []
  #collectedBytes = 0
  #state: 'open' | 'finalised' | 'aborted' = 'open'
  byteSize = 0

  constructor(handle: FileHandle, unfinished: string, path: string) {
    this.#handle = handle
    this.#unfinished = unfinished
    this.#path = path
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#collected.push(bytes)
    this.#collectedBytes += bytes.length
    this.byteSize += bytes.length
    if (this.#collectedBytes >= COLLECT_BYTES) await this.#translated(() => this.#flush())
  }

  async finalise(header?: Uint8Array): Promise<void> {
    await this.#translated(async () => {
      await this.#flush()
      if (header) await this.#writeAll([header], 0)
      await this.#handle.datasync()
      await this.#handle.close()
      // link() refuses to replace, so an object that exists stays as it is, even between two processes.
      await link(this.#unfinished, this.#path)
      this.#state = 'finalised'
      await unlink(this.#unfinished)
      await syncFolder(dirname(this.#path))
    })
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'aborted'
    this.#collected = []
    // What cannot be removed now is swept later; an abort has nobody to complain to.
    await this.#handle.close().catch(() => {})
    await unlink(this.#unfinished).catch(() => {})
  }

  async #flush(): Promise<void> {
    const chunks = this.#collected
    const positionBytes = this.byteSize - this.#collectedBytes
    this.#collected = []
    this.#collectedBytes = 0
    if (chunks.length > 0) await this.#writeAll(chunks, positionBytes)
  }

  /** All of the bytes: a write may take fewer than it was given, on a disk that is nearly full for instance. */
  async #writeAll(chunks: readonly Uint8Array[], positionBytes: number): Promise<void> {
    const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    let { bytesWritten } = await this.#handle.writev(chunks, positionBytes)
    if (bytesWritten === wanted) return
    const whole = Buffer.concat(chunks)
    while (bytesWritten < wanted) {
      const written = await this.#handle.write(whole, bytesWritten, wanted - bytesWritten, positionBytes + bytesWritten)
      bytesWritten += written.bytesWritten
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
