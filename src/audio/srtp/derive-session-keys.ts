import { createCipheriv } from 'node:crypto'
import { SRTP_SUITES, type SrtpKey } from './srtp-key.ts'

/** What packets of one kind are protected with. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array
  readonly salt: Uint8Array
  /** Empty for a suite whose cipher authenticates. */
  readonly authenticationKey: Uint8Array
}

/** First of the three labels of each kind: encryption, authentication, salt (RFC 3711 §4.3.1, §4.3.2). */
const RTP_LABEL = 0
const RTCP_LABEL = 3
const LABEL_AT = 7
const BLOCK_BYTES = 16

/** The session keys of a master key, for SRTP and SRTCP (RFC 3711 §4.3). Derived once: the key derivation rate is 0. */
export const deriveSessionKeys = (key: SrtpKey): { readonly rtp: SessionKeys; readonly rtcp: SessionKeys } => ({
  rtp: deriveFrom(key, RTP_LABEL),
  rtcp: deriveFrom(key, RTCP_LABEL),
})

const deriveFrom = ({ suite, keySalt }: SrtpKey, label: number): SessionKeys => {
  const { keyBytes, saltBytes, authenticationKeyBytes } = SRTP_SUITES[suite]
  const masterKey = keySalt.subarray(0, keyBytes)
  const masterSalt = keySalt.subarray(keyBytes, keyBytes + saltBytes)
  return {
    cipherKey: pseudoRandom(masterKey, masterSalt, label, keyBytes),
    authenticationKey: pseudoRandom(masterKey, masterSalt, label + 1, authenticationKeyBytes),
    salt: pseudoRandom(masterKey, masterSalt, label + 2, saltBytes),
  }
}

/** AES in counter mode over zeros (RFC 3711 §4.3.3; RFC 7714 §11: of the master key's size, a shorter salt is padded with zeros). */
const pseudoRandom = (key: Uint8Array, salt: Uint8Array, label: number, byteLength: number): Uint8Array => {
  const start = new Uint8Array(BLOCK_BYTES)
  start.set(salt)
  start[LABEL_AT] = (start[LABEL_AT] as number) ^ label
  return createCipheriv(`aes-${key.length * 8}-ctr`, key, start).update(new Uint8Array(byteLength))
}
