import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { SessionKeys } from './derive-session-keys.ts'
import type { PacketParts, Transform } from './transform.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES }

/** AES in Galois/counter mode, which encrypts and authenticates in one (RFC 7714). */
export class AesGcmTransform implements Transform {
  readonly #cipher: CipherGCMTypes
  readonly #key: KeyObject
  readonly #salt: DataView
  readonly #nonce = new DataView(new ArrayBuffer(NONCE_BYTES))
  readonly #nonceBytes = new Uint8Array(this.#nonce.buffer)

  constructor({ cipherKey, salt }: SessionKeys) {
    this.#cipher = cipherKey.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm'
    this.#key = createSecretKey(cipherKey)
    this.#salt = new DataView(new ArrayBuffer(NONCE_BYTES))
    new Uint8Array(this.#salt.buffer).set(salt)
  }

  open(bytes: Uint8Array, parts: PacketParts): boolean {
    const { clearEnd, dataEnd, tagAt } = parts
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonceOf(parts), OPTIONS)
    decipher.setAAD(associatedData(bytes, parts))
    decipher.setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES))
    const plain = decipher.update(bytes.subarray(clearEnd, dataEnd))
    try {
      decipher.final()
    } catch {
      return false
    }
    bytes.set(plain, clearEnd)
    return true
  }

  seal(bytes: Uint8Array, parts: PacketParts): void {
    const { clearEnd, dataEnd, tagAt } = parts
    const cipher = createCipheriv(this.#cipher, this.#key, this.#nonceOf(parts), OPTIONS)
    cipher.setAAD(associatedData(bytes, parts))
    bytes.set(cipher.update(bytes.subarray(clearEnd, dataEnd)), clearEnd)
    cipher.final()
    bytes.set(cipher.getAuthTag(), tagAt)
  }

  /** Two zero bytes, the SSRC and the index, with the salt (RFC 7714 §8.1, §9.1). */
  #nonceOf({ ssrc, index }: PacketParts): Uint8Array {
    const high = Math.floor(index / 2 ** 32)
    this.#nonce.setUint16(0, this.#salt.getUint16(0))
    this.#nonce.setUint32(2, this.#salt.getUint32(2) ^ ssrc)
    this.#nonce.setUint16(6, this.#salt.getUint16(6) ^ high)
    this.#nonce.setUint32(8, this.#salt.getUint32(8) ^ (index % 2 ** 32))
    return this.#nonceBytes
  }
}

/** What is authenticated and not encrypted: the header, and the word of SRTCP (RFC 7714 §8.2, §9.2, §9.3). */
const associatedData = (bytes: Uint8Array, { clearEnd, word }: PacketParts): Uint8Array => {
  const clear = bytes.subarray(0, clearEnd)
  if (word === undefined) return clear
  const data = new Uint8Array(clearEnd + 4)
  data.set(clear)
  new DataView(data.buffer).setUint32(clearEnd, word)
  return data
}
