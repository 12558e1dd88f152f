/** Crypto suites that are taken and offered (RFC 4568 §6.2, RFC 7714 §14.1), the strongest first, and how long their key and salt are together. */
export const SDES_SUITES = {
  AEAD_AES_256_GCM: { keySaltBytes: 44 },
  AEAD_AES_128_GCM: { keySaltBytes: 28 },
  AES_CM_128_HMAC_SHA1_80: { keySaltBytes: 30 },
  AES_CM_128_HMAC_SHA1_32: { keySaltBytes: 30 },
} as const

export type SdesSuite = keyof typeof SDES_SUITES

/** What one side protects its media with (RFC 4568 §6.1). Plain data; never to be logged or shown. */
export interface SdesKey {
  readonly suite: SdesSuite
  /** Master key, then master salt. */
  readonly keySalt: Uint8Array
  /** Master key identifier as every packet carries it, 1 to 128 bytes; absent: packets have none. */
  readonly mki?: Uint8Array
}

/** One `a=crypto` of a media line. */
export interface SdpCrypto {
  /** Up to nine digits; an answer repeats that of the line that it has chosen. */
  readonly tag: number
  readonly key: SdesKey
}

const MKI_BYTES_MAX = 128
/** A tag, a suite, one key and what may follow it; spaces between are counted loosely. */
const CRYPTO =
  /^(\d{1,9})\s+(\w{1,64})\s+inline:([A-Za-z0-9+/]{1,128})={0,2}(?:\|((?:2\^)?\d{1,16}))?(?:\|(\d{1,310}):(\d{1,3}))?(\s.*)?$/i
/** Session parameters that change nothing: no further key derivation, a hint to senders, and extensions that say themselves that they may be ignored (§6.3). */
const HARMLESS = /^(?:KDR=0|WSH=\d{1,6}|-\S+)$/i

/**
 * The value of an `a=crypto` (RFC 4568 §9), undefined when it is not one that we may choose: it cannot be read, the suite is unknown, the key has not the
 * suite's length, there are several keys, or session parameters would have packets go unencrypted or unauthenticated, keys derived anew or FEC beside.
 */
export const parseCrypto = (value: string): SdpCrypto | undefined => {
  const [, tag, name = '', text = '', , mkiValue, mkiLength, parameters = ''] = CRYPTO.exec(value.trim()) ?? []
  const suite = suiteOf(name)
  if (tag === undefined || suite === undefined || !areHarmless(parameters)) return undefined
  const keySalt = decodeKey(text, SDES_SUITES[suite].keySaltBytes)
  if (!keySalt) return undefined
  if (mkiValue === undefined) return { tag: Number(tag), key: { suite, keySalt } }
  const mki = encodeMki(mkiValue, Number(mkiLength))
  return mki && { tag: Number(tag), key: { suite, keySalt, mki } }
}

/** The value of an `a=crypto` with one key; no lifetime: the suites' own is longer than any call. */
export const formatCrypto = ({ tag, key: { suite, keySalt, mki } }: SdpCrypto): string => {
  const identifier = mki ? `|${BigInt(`0x${Buffer.from(mki).toString('hex')}`)}:${mki.length}` : ''
  return `${tag} ${suite} inline:${Buffer.from(keySalt).toString('base64')}${identifier}`
}

const suiteOf = (name: string): SdesSuite | undefined =>
  (Object.keys(SDES_SUITES) as SdesSuite[]).find((suite) => suite === name.toUpperCase())

const areHarmless = (parameters: string): boolean =>
  parameters
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => HARMLESS.test(word))

/** Padding may be missing, as it is with some peers; the length tells all. */
const decodeKey = (text: string, keySaltBytes: number): Uint8Array | undefined =>
  // A copy: a Buffer lies in a pool, and all of it would cross to another thread.
  text.length === Math.ceil((keySaltBytes * 8) / 6) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined

/** A decimal number as so many bytes, the highest first; undefined when it does not fit. */
const encodeMki = (value: string, byteLength: number): Uint8Array | undefined => {
  if (byteLength < 1 || byteLength > MKI_BYTES_MAX) return undefined
  const digits = BigInt(value).toString(16)
  if (digits.length > 2 * byteLength) return undefined
  return new Uint8Array(Buffer.from(digits.padStart(2 * byteLength, '0'), 'hex'))
}
