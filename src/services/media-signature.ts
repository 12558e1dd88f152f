import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const INNER = 0x36
const OUTER = 0x5c
const SIGNATURE_BYTES = 16
/** Projects whose padded keys are remembered; beyond it the memory starts afresh. */
const KEYS_MAX = 1000

interface PaddedKey {
  readonly inner: Buffer
  readonly outer: Buffer
}

const pad = (key: Buffer, mask: number): Buffer => {
  const padded = Buffer.alloc(BLOCK_BYTES, mask)
  for (const [index, byte] of key.entries()) padded[index] = byte ^ mask
  return padded
}

/**
 * Signs media capabilities with HMAC-SHA-256 (RFC 2104), cut to 128 bits. Every recording in every list carries one, and `createHmac`
 * makes two native objects a call; two one-shot digests over padded keys that are kept give the same bytes at a third of the cost.
 */
export class MediaSigner {
  readonly #keys = new Map<string, PaddedKey>()

  /** The signature of a message under a key of at most 64 bytes, given as hexadecimal. */
  sign(keyHex: string, message: string): Buffer {
    const { inner, outer } = this.#keys.get(keyHex) ?? this.#remember(keyHex)
    const digest = hash('sha256', Buffer.concat([inner, Buffer.from(message, 'latin1')]), 'buffer')
    return hash('sha256', Buffer.concat([outer, digest]), 'buffer').subarray(0, SIGNATURE_BYTES)
  }

  #remember(keyHex: string): PaddedKey {
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear()
    const key = Buffer.from(keyHex, 'hex')
    const padded = { inner: pad(key, INNER), outer: pad(key, OUTER) }
    this.#keys.set(keyHex, padded)
    return padded
  }
}
