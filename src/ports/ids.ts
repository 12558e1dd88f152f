import type { Uuid } from '../domain/uuid.ts'

/** Identity and randomness, so that tests can seed them. */
export interface Ids {
  /** A fresh UUIDv7 (RFC 9562 §5.7): sorts by time, so that rows land next to each other. */
  uuid(): Uuid
  /** `byteCount` unpredictable bytes as lower-case hexadecimal. */
  randomHex(byteCount: number): string
}
