import { sep } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import type { MediaKey } from '../../ports/media-store.ts'

const KEY = /^[a-z0-9-][a-z0-9.-]*(\/[a-z0-9-][a-z0-9.-]*)*$/
const KEY_LENGTH_MAX = 200

/** The path of a key below the root. Throws MEDIA_KEY_INVALID: this is what keeps any path from leaving the store. */
export const pathOfKey = (root: string, key: MediaKey): string => {
  if (key.length <= KEY_LENGTH_MAX && KEY.test(key)) return root + sep + key.replaceAll('/', sep)
  throw new PoulsenError({ code: 'MEDIA_KEY_INVALID', kind: 'invalid', message: 'That is not a media key.' })
}

/** The key of a path below the root. */
export const keyOfPath = (root: string, path: string): MediaKey => path.slice(root.length + 1).replaceAll(sep, '/')

/** The name that an object has in its folder until it is finished; no key can have it, as it starts with a dot. */
export const unfinishedName = (name: string, nonce: string): string => `.${name}.${nonce}.part`

/** True for a name that {@link unfinishedName} made. */
export const isUnfinished = (name: string): boolean => name.startsWith('.') && name.endsWith('.part')
