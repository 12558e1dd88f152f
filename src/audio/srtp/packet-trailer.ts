import { SRTP_SUITES, type SrtpKey } from './srtp-key.ts'

/** What follows the data of a protected packet; offsets from the end of the data, all in bytes. */
export interface PacketTrailer {
  readonly byteLength: number
  readonly tagOffset: number
  readonly mkiOffset: number
  /** Of SRTCP: the E flag and the index. */
  readonly wordOffset: number
}

const WORD_BYTES = 4

/** Of SRTP: MKI and tag (RFC 3711 §3.1), or tag and MKI when the cipher authenticates (RFC 7714 §8.2). */
export const rtpTrailer = ({ suite, mki }: SrtpKey): PacketTrailer => {
  const { authenticationKeyBytes, rtpTagBytes: tagBytes } = SRTP_SUITES[suite]
  const mkiBytes = mki?.length ?? 0
  const byteLength = tagBytes + mkiBytes
  return authenticationKeyBytes === 0
    ? { byteLength, tagOffset: 0, mkiOffset: tagBytes, wordOffset: byteLength }
    : { byteLength, mkiOffset: 0, tagOffset: mkiBytes, wordOffset: byteLength }
}

/** Of SRTCP: index, MKI and tag (RFC 3711 §3.4), or tag, index and MKI when the cipher authenticates (RFC 7714 §9.2). */
export const rtcpTrailer = ({ suite, mki }: SrtpKey): PacketTrailer => {
  const { authenticationKeyBytes, rtcpTagBytes: tagBytes } = SRTP_SUITES[suite]
  const mkiBytes = mki?.length ?? 0
  const byteLength = WORD_BYTES + tagBytes + mkiBytes
  return authenticationKeyBytes === 0
    ? { byteLength, tagOffset: 0, wordOffset: tagBytes, mkiOffset: tagBytes + WORD_BYTES }
    : { byteLength, wordOffset: 0, mkiOffset: WORD_BYTES, tagOffset: WORD_BYTES + mkiBytes }
}
