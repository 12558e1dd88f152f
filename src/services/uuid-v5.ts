import { createHash } from 'node:crypto'
import type { Uuid } from '../domain/uuid.ts'

const UUID_BYTES = 16
const VERSION_5 = 0x50
const VARIANT_RFC = 0x80

/** The UUIDv5 of a name in a namespace (RFC 9562 §5.5): the same for the same name, always and everywhere. */
export const uuidV5 = (namespace: Uuid, name: string): Uuid => {
  const hashed = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  hashed[6] = VERSION_5 | ((hashed[6] ?? 0) & 0x0f)
  hashed[8] = VARIANT_RFC | ((hashed[8] ?? 0) & 0x3f)
  const hex = hashed.toString('hex', 0, UUID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
