import { randomBytes } from 'node:crypto'

/** What a crypto suite needs and adds; all lengths in bytes. */
export interface SuiteLengths {
  /** Master key and session key. */
  readonly keyBytes: number
  /** Master salt and session salt. */
  readonly saltBytes: number
  /** Session key of the authentication; 0: the cipher authenticates. */
  readonly authenticationKeyBytes: number
  /** Authentication tag of an SRTP packet. */
  readonly rtpTagBytes: number
  /** Authentication tag of an SRTCP packet: never shortened (RFC 4568 §6.2.2). */
  readonly rtcpTagBytes: number
}

const AES_CM = { keyBytes: 16, saltBytes: 14, authenticationKeyBytes: 20, rtpTagBytes: 10, rtcpTagBytes: 10 }
const AES_GCM = { keyBytes: 16, saltBytes: 12, authenticationKeyBytes: 0, rtpTagBytes: 16, rtcpTagBytes: 16 }

/** The crypto suites that are spoken (RFC 4568 §6.2, RFC 7714 §12, §14.1), the strongest first. */
export const SRTP_SUITES = {
  AEAD_AES_256_GCM: { ...AES_GCM, keyBytes: 32 },
  AEAD_AES_128_GCM: AES_GCM,
  AES_CM_128_HMAC_SHA1_80: AES_CM,
  AES_CM_128_HMAC_SHA1_32: { ...AES_CM, rtpTagBytes: 4 },
} as const satisfies Readonly<Record<string, SuiteLengths>>

export type SrtpSuite = keyof typeof SRTP_SUITES

/** What one side protects its media with: plain data that crosses threads. Never to be logged. */
export interface SrtpKey {
  readonly suite: SrtpSuite
  /** Master key, then master salt, as SDES carries them (RFC 4568 §6.1): 30, 28 or 44 bytes. */
  readonly keySalt: Uint8Array
  /** Master key identifier as every packet carries it (RFC 3711 §3.1), 1 to 128 bytes; absent: packets have none. */
  readonly mki?: Uint8Array
}

/** A random key of our own. */
export const makeSrtpKey = (suite: SrtpSuite): SrtpKey => {
  const { keyBytes, saltBytes } = SRTP_SUITES[suite]
  // A copy: the random bytes may lie in a pool, and all of it would cross to another thread.
  return { suite, keySalt: new Uint8Array(randomBytes(keyBytes + saltBytes)) }
}
