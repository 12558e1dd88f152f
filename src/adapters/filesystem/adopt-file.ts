import { createHash } from 'node:crypto'
import { link, lstat, lutimes, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BufferPool } from './buffer-pool.ts'
import { openFileWriter } from './file-writer.ts'
import { syncFolder } from './folders.ts'
import { readFileInChunks } from './read-file.ts'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
const unlessAbsent = (error: unknown): void => {
  if (codeOf(error) !== 'ENOENT') throw error
}

/**
 * Makes the file at `source`, whose bytes are durable, the object at `path`, in a folder that exists. On one file system it costs a link and the
 * folder's fsync, whatever its size; across two the bytes are copied. At every moment one name at least has all the bytes, and what a crash left half
 * done is finished by calling this again. Throws the file system's errors: EEXIST when the object has other bytes, ENOENT when neither exists.
 */
export const adoptFile = async (source: string, path: string, buffers: BufferPool): Promise<void> => {
  // An object is as old as its name: a sweeper must not take one for a leftover because its last packet came hours ago, before a crash.
  const now = new Date()
  await lutimes(source, now, now).catch(unlessAbsent)
  try {
    // link() refuses to replace, and looks at the source, then at the target, then at the file systems.
    await link(source, path)
  } catch (error) {
    if (codeOf(error) === 'EXDEV') await copy(source, path, buffers)
    else if (!(await isAdopted(source, path))) throw error
  }
  await syncFolder(dirname(path))
  // Should its name come back after loss of power, then as a second name of what is an object already.
  await unlink(source).catch(unlessAbsent)
}

const copy = async (source: string, path: string, buffers: BufferPool): Promise<void> => {
  const done = new AbortController()
  try {
    const bytes = await readFileInChunks(source, undefined, done.signal)
    const writer = await openFileWriter(path, buffers)
    try {
      for await (const chunk of bytes) await writer.append(chunk)
      await writer.finalise()
    } finally {
      await writer.abort()
    }
  } finally {
    done.abort()
  }
}

/** True when the object is there and the source is gone, or is the same file, or has the same bytes (a copy across file systems). */
const isAdopted = async (source: string, path: string): Promise<boolean> => {
  const [object, left] = await Promise.all([statIfThere(path), statIfThere(source)])
  if (!object?.isFile()) return false
  if (!left || (left.dev === object.dev && left.ino === object.ino)) return true
  return left.size === object.size && (await hashOf(source)) === (await hashOf(path))
}

const statIfThere = async (path: string) => {
  try {
    return await lstat(path)
  } catch (error) {
    unlessAbsent(error)
    return undefined
  }
}

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of await readFileInChunks(path, undefined, undefined)) hash.update(chunk)
  return hash.digest('hex')
}
