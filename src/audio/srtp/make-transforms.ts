import { AesCmTransform } from './aes-cm-transform.ts'
import { AesGcmTransform } from './aes-gcm-transform.ts'
import { deriveSessionKeys, type SessionKeys } from './derive-session-keys.ts'
import { SRTP_SUITES, type SrtpKey, type SrtpSuite } from './srtp-key.ts'
import type { Transform } from './transform.ts'

/** The transforms of a master key. Throws RangeError when it has not its suite's length; the key is in no error. */
export const makeTransforms = (key: SrtpKey): { readonly rtp: Transform; readonly rtcp: Transform } => {
  const { keyBytes, saltBytes, rtpTagBytes, rtcpTagBytes } = SRTP_SUITES[key.suite]
  if (key.keySalt.length !== keyBytes + saltBytes) throw new RangeError(`A key of ${key.suite} has another length.`)
  const { rtp, rtcp } = deriveSessionKeys(key)
  return { rtp: makeTransform(key.suite, rtp, rtpTagBytes), rtcp: makeTransform(key.suite, rtcp, rtcpTagBytes) }
}

/** The transform of a suite under these session keys. */
export const makeTransform = (suite: SrtpSuite, keys: SessionKeys, tagBytes: number): Transform =>
  SRTP_SUITES[suite].authenticationKeyBytes === 0 ? new AesGcmTransform(keys) : new AesCmTransform(keys, tagBytes)
