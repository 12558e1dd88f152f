/** A UUID in its canonical form: 36 characters, lower case, any version (RFC 9562 §4). */
export type Uuid = string

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The canonical (lower-case) form of `text`, or undefined when it is not a UUID of 8-4-4-4-12 hexadecimal digits. */
export const parseUuid = (text: string): Uuid | undefined =>
  text.length === 36 && UUID.test(text) ? text.toLowerCase() : undefined
