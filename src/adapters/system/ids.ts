import { randomBytes } from 'node:crypto'
import type { Ids } from '../../ports/ids.ts'

const TIME_HEX_DIGITS = 12
const VERSION_7 = 0x70
const VARIANT_RFC = 0x80

/** UUIDv7: 48 bits of milliseconds, version, variant, 74 random bits (RFC 9562 §5.7). */
const uuidV7 = (nowMs: number): string => {
  const random = randomBytes(10)
  random[0] = VERSION_7 | ((random[0] ?? 0) & 0x0f)
  random[2] = VARIANT_RFC | ((random[2] ?? 0) & 0x3f)
  const hex = nowMs.toString(16).padStart(TIME_HEX_DIGITS, '0') + random.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Ids and randomness from the operating system. */
export const systemIds: Ids = {
  uuid: () => uuidV7(Date.now()),
  randomHex: (byteCount) => randomBytes(byteCount).toString('hex'),
}
