/*
 *   0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |                             SSRC                              |
 *   |                 CC contributing sources (CSRC)                |
 *   |  extension: profile (16)      |  length in 32-bit words (16)  |
 */

/** What the header of an RTP packet says, and where its payload lies. One object serves a whole stream: parsing allocates nothing. */
export interface RtpHeader {
  /** 0 to 127. */
  payloadType: number
  marker: boolean
  /** 16 bits. */
  sequence: number
  /** 32 bits, unsigned. */
  timestamp: number
  /** 32 bits, unsigned. */
  ssrc: number
  /** 0 to 15. */
  csrcCount: number
  /** The payload without padding: from `payloadOffset` to `payloadEnd` (excluded). */
  payloadOffset: number
  payloadEnd: number
}

/** Why bytes are no RTP packet. */
export type RtpRefusal = 'too-short' | 'wrong-version' | 'bad-extension' | 'bad-padding'

export const RTP_HEADER_BYTES = 12
const VERSION_2 = 0x80
const VERSION_MASK = 0xc0
const PADDING = 0x20
const EXTENSION = 0x10
const MARKER = 0x80

/** A header to be filled by {@link parseRtp}. */
export const makeRtpHeader = (): RtpHeader => ({
  payloadType: 0,
  marker: false,
  sequence: 0,
  timestamp: 0,
  ssrc: 0,
  csrcCount: 0,
  payloadOffset: 0,
  payloadEnd: 0,
})

/** Fills `into` from a packet, or says why it is none (RFC 3550 §5.1, A.1). Every length is checked before it is used. */
export const parseRtp = (bytes: Uint8Array, into: RtpHeader): RtpRefusal | undefined => {
  if (bytes.length < RTP_HEADER_BYTES) return 'too-short'
  const first = bytes[0] as number
  if ((first & VERSION_MASK) !== VERSION_2) return 'wrong-version'
  const csrcCount = first & 15
  let offset = RTP_HEADER_BYTES + 4 * csrcCount
  if (first & EXTENSION) {
    if (offset + 4 > bytes.length) return 'bad-extension'
    offset += 4 + 4 * uint16(bytes, offset + 2)
  }
  if (offset > bytes.length) return first & EXTENSION ? 'bad-extension' : 'too-short'
  let end = bytes.length
  if (first & PADDING) {
    const padding = bytes[end - 1] as number
    if (padding === 0 || padding > end - offset) return 'bad-padding'
    end -= padding
  }
  const second = bytes[1] as number
  into.payloadType = second & 0x7f
  into.marker = (second & MARKER) !== 0
  into.sequence = uint16(bytes, 2)
  into.timestamp = uint32(bytes, 4)
  into.ssrc = uint32(bytes, 8)
  into.csrcCount = csrcCount
  into.payloadOffset = offset
  into.payloadEnd = end
  return undefined
}

/** A packet without contributing sources, extension and padding (RFC 3550 §5.1). The header's fields are within the ranges of {@link RtpHeader}. */
export const formatRtp = (
  header: Pick<RtpHeader, 'payloadType' | 'marker' | 'sequence' | 'timestamp' | 'ssrc'>,
  payload: Uint8Array,
): Uint8Array => {
  const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION_2)
  view.setUint8(1, header.payloadType | (header.marker ? MARKER : 0))
  view.setUint16(2, header.sequence)
  view.setUint32(4, header.timestamp)
  view.setUint32(8, header.ssrc)
  bytes.set(payload, RTP_HEADER_BYTES)
  return bytes
}

/** True for a packet on a shared port that is RTCP and not RTP: its second byte is 192 to 223 (RFC 5761 §4). */
export const isRtcp = (bytes: Uint8Array): boolean => {
  const type = bytes[1] ?? 0
  return type >= 192 && type <= 223
}

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
const uint32 = (bytes: Uint8Array, at: number): number => ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0
