import {
  type Cipheriv,
  createCipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import type { SessionKeys } from './derive-session-keys.ts'
import { rolloverOf } from './packet-index.ts'
import type { PacketParts, Transform } from './transform.ts'

const BLOCK_BYTES = 16
/** Blocks that there is room for from the beginning: 20 ms of G.711. */
const BLOCKS_AT_FIRST = 10

/**
 * AES in counter mode with HMAC-SHA-1 (RFC 3711 §4.1.1, §4.2.1). The keystream of a packet is the encryption of so many counter blocks, one call into a cipher
 * that serves all packets: a counter mode cipher of the platform would have to be made anew for each packet, at several times the cost.
 */
export class AesCmTransform implements Transform {
  readonly #blockCipher: Cipheriv
  readonly #authenticationKey: KeyObject
  readonly #salt: DataView
  readonly #tagBytes: number
  readonly #word = Buffer.alloc(4)
  #blocks = new DataView(new ArrayBuffer(BLOCKS_AT_FIRST * BLOCK_BYTES))

  constructor({ cipherKey, salt, authenticationKey }: SessionKeys, tagBytes: number) {
    this.#blockCipher = createCipheriv(`aes-${cipherKey.length * 8}-ecb`, cipherKey, null).setAutoPadding(false)
    this.#authenticationKey = createSecretKey(authenticationKey)
    this.#salt = new DataView(new ArrayBuffer(BLOCK_BYTES))
    new Uint8Array(this.#salt.buffer).set(salt)
    this.#tagBytes = tagBytes
  }

  open(bytes: Uint8Array, parts: PacketParts): boolean {
    const tag = bytes.subarray(parts.tagAt, parts.tagAt + this.#tagBytes)
    if (!timingSafeEqual(this.#tagOf(bytes, parts), tag)) return false
    this.#encrypt(bytes, parts)
    return true
  }

  seal(bytes: Uint8Array, parts: PacketParts): void {
    this.#encrypt(bytes, parts)
    bytes.set(this.#tagOf(bytes, parts), parts.tagAt)
  }

  /** Over the data and, behind it, what only the two sides know of the index: the rollover counter (§4.2), or the word of SRTCP. */
  #tagOf(bytes: Uint8Array, { dataEnd, index, word }: PacketParts): Uint8Array {
    this.#word.writeUInt32BE(word ?? rolloverOf(index))
    const hmac = createHmac('sha1', this.#authenticationKey).update(bytes.subarray(0, dataEnd)).update(this.#word)
    return hmac.digest().subarray(0, this.#tagBytes)
  }

  /** Encrypts or decrypts: both are the keystream added to the data. */
  #encrypt(bytes: Uint8Array, parts: PacketParts): void {
    const { clearEnd, dataEnd } = parts
    if (clearEnd === dataEnd) return
    const keystream = this.#blockCipher.update(this.#counterBlocks(parts))
    for (let at = clearEnd, from = 0; at < dataEnd; at += 1, from += 1) {
      bytes[at] = (bytes[at] as number) ^ (keystream[from] as number)
    }
  }

  /** IV = (salt · 2^16) ⊕ (SSRC · 2^64) ⊕ (index · 2^16), and a counter in the lowest 16 bits. */
  #counterBlocks({ ssrc, index, clearEnd, dataEnd }: PacketParts): Uint8Array {
    const length = BLOCK_BYTES * Math.ceil((dataEnd - clearEnd) / BLOCK_BYTES)
    if (length > this.#blocks.byteLength) this.#blocks = new DataView(new ArrayBuffer(length))
    const blocks = this.#blocks
    const first = this.#salt.getUint32(0)
    const second = this.#salt.getUint32(4) ^ ssrc
    const third = this.#salt.getUint32(8) ^ rolloverOf(index)
    const fourth = this.#salt.getUint32(12) ^ (index << 16)
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      blocks.setUint32(at, first)
      blocks.setUint32(at + 4, second)
      blocks.setUint32(at + 8, third)
      blocks.setUint32(at + 12, fourth | (at / BLOCK_BYTES))
    }
    return new Uint8Array(blocks.buffer, 0, length)
  }
}
