import { hasCode } from '../../domain/errors.ts'
import type { MediaObject } from '../../domain/media-object.ts'
import type { MediaStore } from '../../ports/media-store.ts'
import { type Problem, readVerified } from '../verified-media.ts'

/** From where to where, and who hears of the bytes. */
export interface MediaCopy {
  readonly from: MediaStore
  readonly to: MediaStore
  readonly media: MediaObject
  readonly onBytes: (count: number) => void
}

/**
 * Copies an object, whole and with the bytes that the catalogue has, or not at all. One that is there already, from a run that was cut off before its row was written, is read and
 * compared; one that is not what it should be is replaced. Rejects as the stores do.
 */
export const copyMedia = async (copy: MediaCopy): Promise<Problem> => {
  const { to, media } = copy
  try {
    return await copyOnce(copy)
  } catch (error) {
    if (!hasCode(error, 'MEDIA_CONFLICT')) throw error
    if ((await readVerified(to, media, () => {})) === undefined) return undefined
    await to.remove(media.key)
    return await copyOnce(copy)
  }
}

const copyOnce = async ({ from, to, media, onBytes }: MediaCopy): Promise<Problem> => {
  const writer = await to.open(media.key, media.sha256)
  try {
    const problem = await readVerified(from, media, async (chunk) => {
      await writer.append(chunk)
      onBytes(chunk.length)
    })
    if (problem === undefined) await writer.finalise()
    return problem
  } finally {
    await writer.abort()
  }
}
