const URN = /^urn:uuid:/i
const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** 16 bytes: 22 characters, of which the last has two bits, and perhaps what fills them up to 24. */
const BASE64 = /^[A-Za-z0-9+/_-]{21}[AQgw](?:==)?$/
const CHARACTERS_MAX = 64

/**
 * The canonical, lower-case UUID that an id of a metadata document stands for: a UUID as text, also as `urn:uuid:`, or the base64 of its 16 bytes (RFC 7865 §6.10),
 * of either alphabet (RFC 4648 §4, §5), filled up or not. Undefined when it is neither.
 */
export const rsUuid = (text: string): string | undefined => {
  if (text.length > CHARACTERS_MAX) return undefined
  const trimmed = text.trim()
  const bare = trimmed.replace(URN, '')
  if (TEXT.test(bare)) return bare.toLowerCase()
  return BASE64.test(trimmed) ? hyphenated(Buffer.from(trimmed, 'base64').toString('hex')) : undefined
}

const hyphenated = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
