import type { Disk, DiskFile } from '../ports/disk.ts'
import type { LiveMedia } from '../ports/live-recordings.ts'
import type { ByteRange } from '../ports/media-store.ts'
import type { Snapshot } from './worker-messages.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * A growing file as it was at the moment of the snapshot, for one reader: what is behind the snapshot's size is not shown, and its beginning is the one
 * that a file of that size has. Undefined when it was handed over meanwhile. What is before the size never changes.
 */
export const openGrowingFile = async (disk: Disk, snapshot: Snapshot): Promise<LiveMedia> => {
  const { fileName, byteSize, head } = snapshot
  const [, name = fileName] = /([0-9a-f-]{36})\./.exec(fileName) ?? []
  return {
    byteSize,
    tag: `${name}-${byteSize}`,
    read: async (range, signal) => readGrowing(await disk.open(fileName), range, head, signal),
  }
}

async function* readGrowing(
  file: DiskFile,
  { startBytes, endBytes }: ByteRange,
  head: Uint8Array,
  signal?: AbortSignal,
) {
  const buffer = new Uint8Array(CHUNK_BYTES)
  try {
    for (let at = startBytes; at < endBytes; ) {
      signal?.throwIfAborted()
      const chunk = buffer.subarray(0, Math.min(buffer.length, endBytes - at))
      const count = await file.read(chunk, at)
      if (count === 0) return
      if (at < head.length) chunk.set(head.subarray(at, Math.min(head.length, at + count)))
      yield chunk.subarray(0, count)
      at += count
    }
  } finally {
    await file.close()
  }
}
