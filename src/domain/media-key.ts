import { PoulsenError } from './errors.ts'

const KEY = /^[a-z0-9-][a-z0-9.-]*(\/[a-z0-9-][a-z0-9.-]*)*$/
const KEY_LENGTH_MAX = 200

/** True for a key of the media store: path segments of `[a-z0-9.-]`, joined by `/`, at most 200 characters, no segment starting with a dot. */
export const isMediaKey = (text: string): boolean => text.length <= KEY_LENGTH_MAX && KEY.test(text)

/** Throws MEDIA_KEY_INVALID for what is no key: this is what keeps any path from leaving a store. */
export const requireMediaKey = (key: string): void => {
  if (isMediaKey(key)) return
  throw new PoulsenError({ code: 'MEDIA_KEY_INVALID', kind: 'invalid', message: 'That is not a media key.' })
}
