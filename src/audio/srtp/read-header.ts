const RTP_HEADER_BYTES = 12
/** The first packet's header and the SSRC of who sends the compound. */
export const RTCP_CLEAR_BYTES = 8
const EXTENSION = 0x10

/** Where the header of an RTP packet ends, with its contributing sources and extension; it may be behind the end of the bytes (RFC 3550 §5.1). At least 12 bytes. */
export const rtpHeaderEnd = (bytes: Uint8Array): number => {
  const first = bytes[0] ?? 0
  const end = RTP_HEADER_BYTES + 4 * (first & 15)
  if ((first & EXTENSION) === 0) return end
  return end + 4 > bytes.length ? end + 4 : end + 4 + 4 * uint16(bytes, end + 2)
}

/** A number of 16 bits; the bytes are there. */
export const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number)

/** A number of 32 bits, unsigned; the bytes are there. */
export const uint32 = (bytes: Uint8Array, at: number): number =>
  ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0
