import { createHash } from 'node:crypto'
import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { MediaObject } from '../domain/media-object.ts'
import type { MediaStore } from '../ports/media-store.ts'

/** Why bytes are not those that the catalogue has, to be shown; undefined when they are. */
export type Problem = string | undefined

/** The problem of bytes that are as many as they should be, and others. */
export const DAMAGED = 'its bytes are not those that were stored'

/** The problem of bytes that are not there. */
export const MISSING = 'its bytes are missing'

/** What reading an object whole has shown: what is wrong with it, or the lower-case hexadecimal SHA-256 of bytes that are as many as they should be. */
export type ReadMedia = { readonly problem: string } | { readonly sha256: string }

/**
 * Reads an object whole, a chunk at a time through `each`, and compares its size with what the catalogue has. Rejects when the store cannot be asked; what is wrong about this one object
 * is the result.
 */
export const readWhole = async (
  store: MediaStore,
  media: MediaObject,
  each: (chunk: Uint8Array) => Promise<void> | void,
): Promise<ReadMedia> => {
  const hash = createHash('sha256')
  let byteSize = 0
  for await (const read of chunksOf(store, media.key)) {
    if (typeof read === 'string') return { problem: read }
    hash.update(read)
    byteSize += read.length
    await each(read)
  }
  if (byteSize !== media.byteSize) return { problem: `has ${byteSize} bytes instead of ${media.byteSize}` }
  return { sha256: hash.digest('hex') }
}

/** The same, and compares the hash as well: bytes of which none is known are not what they should be. */
export const readVerified = async (...args: Parameters<typeof readWhole>): Promise<Problem> => {
  const read = await readWhole(...args)
  if ('problem' in read) return read.problem
  return read.sha256 === args[1].sha256 ? undefined : DAMAGED
}

/** The chunks of an object, and in the end what went wrong with reading it. */
async function* chunksOf(store: MediaStore, key: string): AsyncGenerator<Uint8Array | string> {
  try {
    yield* await store.read(key)
  } catch (error) {
    yield await problemOf(error, store)
  }
}

/** What an error of reading says of the object; throws it when it says more of the store. */
export const problemOf = async (error: unknown, store: MediaStore): Promise<string> => {
  if (hasCode(error, 'MEDIA_NOT_FOUND')) return MISSING
  if (!(error instanceof PoulsenError)) throw error
  // One file on a bad sector is not a disk that is away.
  if (error.kind === 'unavailable') await store.check()
  return `cannot be read: ${error.message}`
}
