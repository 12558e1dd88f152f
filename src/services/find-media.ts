import { hasCode } from '../domain/errors.ts'
import type { MediaKey, MediaStat, MediaStore } from '../ports/media-store.ts'

/** What a store knows of an object; undefined when there is none. Rejects as the store does. */
export const findMedia = async (store: MediaStore, key: MediaKey): Promise<MediaStat | undefined> => {
  try {
    return await store.stat(key)
  } catch (error) {
    if (hasCode(error, 'MEDIA_NOT_FOUND')) return undefined
    throw error
  }
}
