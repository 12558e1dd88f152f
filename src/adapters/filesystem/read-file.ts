import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ByteRange } from '../../ports/media-store.ts'
import { translateError } from './translate-error.ts'

/** Measured with 10 MB files: both smaller and larger chunks cost. Every download under way holds one. */
const CHUNK_BYTES = 512 * 1024

/** A file's bytes, or a range of them, in chunks. Opened now; closed when the iteration ends or the signal aborts. */
export const readFileInChunks = async (
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const close = () => void handle.close().catch(() => {})
    if (signal?.aborted) close()
    else signal?.addEventListener('abort', close, { once: true })
    return iterate(handle, range, signal, close)
  } catch (error) {
    throw translateError(error)
  }
}

async function* iterate(
  handle: FileHandle,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
  onAbort: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    const { startBytes, endBytes } = range ?? { startBytes: 0, endBytes: (await handle.stat()).size }
    let offsetBytes = startBytes
    // One buffer for the whole file, and no larger than that: memory from outside the heap kept the garbage collector busier than the copying.
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, endBytes - startBytes))
    while (offsetBytes < endBytes) {
      signal?.throwIfAborted()
      const wantedBytes = Math.min(buffer.length, endBytes - offsetBytes)
      const { bytesRead } = await handle.read(buffer, 0, wantedBytes, offsetBytes)
      if (bytesRead === 0) return
      offsetBytes += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw translateError(error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await handle.close().catch(() => {})
  }
}
