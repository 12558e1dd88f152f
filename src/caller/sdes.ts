import { SRTP_SUITES, type SrtpKey, type SrtpSuite } from '../audio/srtp/srtp-key.ts'

// The caller's own SDES, written apart from the server's: a mistake there must not hide itself.

/** A crypto attribute that is understood (RFC 4568 §4). */
export interface Crypto {
  readonly tag: number
  readonly key: SrtpKey
}

/** The value of an `a=crypto`: tag, suite, key and salt (RFC 4568 §9.1); no lifetime, no MKI. */
export const formatCrypto = (tag: number, { suite, keySalt }: SrtpKey): string =>
  `${tag} ${suite} inline:${Buffer.from(keySalt).toString('base64')}`

/** Without session parameters: they change how media is protected, and whoever answers must repeat none that was not offered. */
const CRYPTO = /^(\d{1,9}) (\w{1,64}) inline:([A-Za-z0-9+/]{1,100}={0,2})(?:\|2\^\d{1,2})?$/

/** The value of an `a=crypto` of the other side, or why a strict caller refuses it. The reason never holds the key. */
export const readCrypto = (text: string): Crypto | { readonly reason: string } => {
  const [, tag, suite, inline] = CRYPTO.exec(text) ?? []
  if (tag === undefined || suite === undefined || inline === undefined)
    return { reason: 'A crypto attribute is no "tag suite inline:key".' }
  if (!isSuite(suite)) return { reason: `Nobody knows the suite ${suite}.` }
  const keySalt = Uint8Array.from(Buffer.from(inline, 'base64'))
  const { keyBytes, saltBytes } = SRTP_SUITES[suite]
  if (keySalt.length !== keyBytes + saltBytes)
    return { reason: `A key and salt of ${suite} are ${keyBytes + saltBytes} bytes, not ${keySalt.length}.` }
  return { tag: Number(tag), key: { suite, keySalt } }
}

const isSuite = (text: string): text is SrtpSuite => Object.hasOwn(SRTP_SUITES, text)
