import { createHash } from 'node:crypto'
import { hasCode, PoulsenError } from '../../domain/errors.ts'
import type { MediaObject } from '../../domain/media-object.ts'
import type { MediaStore } from '../../ports/media-store.ts'

/** Why bytes are not those that the catalogue has, to be shown; undefined when they are. */
export type Problem = string | undefined

/** The problem of bytes that are not there. */
export const MISSING = 'its bytes are missing'

/**
 * Reads an object whole, a chunk at a time through `each`, and compares size and SHA-256 with what the catalogue has. Rejects when the store cannot be asked; what is wrong
 * about this one object is the result.
 */
export const readVerified = async (
  store: MediaStore,
  media: MediaObject,
  each: (chunk: Uint8Array) => Promise<void> | void,
): Promise<Problem> => {
  const hash = createHash('sha256')
  let byteSize = 0
  for await (const read of chunksOf(store, media.key)) {
    if (typeof read === 'string') return read
    hash.update(read)
    byteSize += read.length
    await each(read)
  }
  if (byteSize !== media.byteSize) return `has ${byteSize} bytes instead of ${media.byteSize}`
  return hash.digest('hex') === media.sha256 ? undefined : 'its bytes are not those that were stored'
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
