import { sep } from 'node:path'
import { requireMediaKey } from '../../domain/media-key.ts'
import type { MediaKey } from '../../ports/media-store.ts'

/** The path of a key below the root. Throws MEDIA_KEY_INVALID: this is what keeps any path from leaving the store. */
export const pathOfKey = (root: string, key: MediaKey): string => {
  requireMediaKey(key)
  return root + sep + key.replaceAll('/', sep)
}

/** The key of a path below the root. */
export const keyOfPath = (root: string, path: string): MediaKey => path.slice(root.length + 1).replaceAll(sep, '/')

/** The name that an object has in its folder until it is finished; no key can have it, as it starts with a dot. */
export const unfinishedName = (name: string, nonce: string): string => `.${name}.${nonce}.part`

/** True for a name that {@link unfinishedName} made. */
export const isUnfinished = (name: string): boolean => name.startsWith('.') && name.endsWith('.part')
