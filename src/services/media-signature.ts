import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const INNER = 0x36
const OUTER = 0x5c
/** Longest message: an id, a space and an expiry. */
const MESSAGE_MAX_BYTES = 64
/** 22 characters of base64url are 132 bits. */
const SIGNATURE_CHARACTERS = 22
/** Projects whose padded keys are remembered; beyond it the memory starts afresh. */
const KEYS_MAX = 1000

interface PaddedKey {
  /** The key's inner block, then room for the message. */
  readonly inner: Buffer
  /** The key's outer block, then room for the inner digest. */
  readonly outer: Buffer
}

const pad = (key: Buffer, mask: number, roomBytes: number): Buffer => {
  const padded = Buffer.alloc(BLOCK_BYTES + roomBytes, mask)
  for (const [index, byte] of key.entries()) padded[index] = byte ^ mask
  return padded
}

/**
 * Signs media capabilities with HMAC-SHA-256 (RFC 2104), in base64url, cut to 22 characters. Every recording in every list carries one, and
 * `createHmac` makes two native objects a call; two one-shot digests into text, over padded
 * keys that are kept, allocate nothing outside the heap and give the same at a tenth of the cost.
 */
export class MediaSigner {
  readonly #keys = new Map<string, PaddedKey>()

  /** The signature of an ASCII message of at most 64 characters under a key of at most 64 bytes, given as hexadecimal. */
  sign(keyHex: string, message: string): string {
    if (message.length > MESSAGE_MAX_BYTES) throw new RangeError('the message is too long to sign')
    const { inner, outer } = this.#keys.get(keyHex) ?? this.#remember(keyHex)
    inner.write(message, BLOCK_BYTES, 'latin1')
    outer.write(hash('sha256', inner.subarray(0, BLOCK_BYTES + message.length), 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'base64url').slice(0, SIGNATURE_CHARACTERS)
  }

  #remember(keyHex: string): PaddedKey {
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear()
    const key = Buffer.from(keyHex, 'hex')
    const padded = { inner: pad(key, INNER, MESSAGE_MAX_BYTES), outer: pad(key, OUTER, DIGEST_BYTES) }
    this.#keys.set(keyHex, padded)
    return padded
  }
}
