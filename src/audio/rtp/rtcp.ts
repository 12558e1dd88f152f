/** What a compound RTCP packet tells about its sender (RFC 3550 §6), as far as a receiver needs it. */
export interface RtcpNews {
  /** Sender reports: the source, and the middle 32 bits of its NTP time (§6.4.1, LSR). */
  readonly senderReports: readonly { readonly ssrc: number; readonly ntpMiddle: number }[]
  /** Canonical names by source (§6.5.1). */
  readonly cnames: ReadonlyMap<number, string>
  /** Sources that have left (§6.6). */
  readonly byes: readonly number[]
}

/** Why bytes are no RTCP: too few, not version 2, or a packet that is longer than what came. */
export type RtcpRefusal = 'too-short' | 'wrong-version' | 'bad-length'

/** One report block (§6.4.1). */
export interface ReportBlock {
  /** The source that is reported on. */
  readonly ssrc: number
  /** 0 to 255 of 256. */
  readonly fractionLost: number
  /** Written as 0 to 8,388,607, what 24 bits hold. */
  readonly cumulativeLost: number
  /** Extended: cycles in the upper 16 bits. */
  readonly highestSequence: number
  readonly jitterTicks: number
  /** 0: no sender report has come. */
  readonly lastSenderReport: number
  /** In 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

const SENDER_REPORT = 200
const RECEIVER_REPORT = 201
const SOURCE_DESCRIPTION = 202
const GOODBYE = 203
const CNAME = 1
const VERSION_2 = 2
const HEADER_BYTES = 4
const SENDER_INFO_BYTES = 24
const BLOCK_BYTES = 24
/** Packets of a compound that are read; what follows is left out. */
const PACKETS_MAX = 64
const LOST_MAX = 0x7fffff
/** Names are compared, so not a byte of one is left out. */
const NAME_DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads a compound packet, or one of reduced size (RFC 5506). Packets of other types are skipped; every length is checked against the bytes before it is used
 * (RFC 3550 A.2).
 */
export const parseRtcp = (bytes: Uint8Array): RtcpNews | RtcpRefusal => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const news = {
    senderReports: [] as RtcpNews['senderReports'][number][],
    cnames: new Map<number, string>(),
    byes: [] as number[],
  }
  if (bytes.length < HEADER_BYTES) return 'too-short'
  let at = 0
  for (let count = 0; at < bytes.length && count < PACKETS_MAX; count += 1) {
    if (at + HEADER_BYTES > bytes.length) return 'bad-length'
    if (view.getUint8(at) >> 6 !== VERSION_2) return 'wrong-version'
    const end = at + 4 * (view.getUint16(at + 2) + 1)
    if (end > bytes.length) return 'bad-length'
    readPacket(new DataView(bytes.buffer, bytes.byteOffset + at, end - at), news)
    at = end
  }
  return news
}

const readPacket = (
  packet: DataView,
  news: { senderReports: RtcpNews['senderReports'][number][]; cnames: Map<number, string>; byes: number[] },
): void => {
  const type = packet.getUint8(1)
  const count = packet.getUint8(0) & 31
  if (type === SENDER_REPORT && packet.byteLength >= HEADER_BYTES + SENDER_INFO_BYTES) {
    news.senderReports.push({ ssrc: packet.getUint32(4), ntpMiddle: packet.getUint32(10) })
  }
  if (type === SOURCE_DESCRIPTION) readDescriptions(packet, count, news.cnames)
  if (type === GOODBYE) {
    for (let index = 0; index < count && HEADER_BYTES * (index + 2) <= packet.byteLength; index += 1) {
      news.byes.push(packet.getUint32(HEADER_BYTES * (index + 1)))
    }
  }
}

/** Chunks of a source and its items, each padded to 32 bits (§6.5). */
const readDescriptions = (packet: DataView, chunks: number, cnames: Map<number, string>): void => {
  let at = HEADER_BYTES
  for (let chunk = 0; chunk < chunks && at + 4 <= packet.byteLength; chunk += 1) {
    const ssrc = packet.getUint32(at)
    at += 4
    while (at + 2 <= packet.byteLength && packet.getUint8(at) !== 0) {
      const length = packet.getUint8(at + 1)
      if (at + 2 + length > packet.byteLength) return
      if (packet.getUint8(at) === CNAME) {
        cnames.set(ssrc, NAME_DECODER.decode(new Uint8Array(packet.buffer, packet.byteOffset + at + 2, length)))
      }
      at += 2 + length
    }
    at += 4 - (at % 4)
  }
}

/** A receiver report with at most one block, and our canonical name (at most 255 bytes): the least that a receiver sends (§6.1). */
export const formatReceiverReport = (ssrc: number, block: ReportBlock | undefined, cname: string): Uint8Array => {
  const name = new TextEncoder().encode(cname).subarray(0, 255)
  const reportBytes = 8 + (block ? BLOCK_BYTES : 0)
  // At least one zero ends the items.
  const itemBytes = 4 * Math.floor((2 + name.length + 4) / 4)
  const bytes = new Uint8Array(reportBytes + 8 + itemBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, (VERSION_2 << 6) | (block ? 1 : 0))
  view.setUint8(1, RECEIVER_REPORT)
  view.setUint16(2, reportBytes / 4 - 1)
  view.setUint32(4, ssrc)
  if (block) writeBlock(view, 8, block)
  view.setUint8(reportBytes, (VERSION_2 << 6) | 1)
  view.setUint8(reportBytes + 1, SOURCE_DESCRIPTION)
  view.setUint16(reportBytes + 2, (8 + itemBytes) / 4 - 1)
  view.setUint32(reportBytes + 4, ssrc)
  view.setUint8(reportBytes + 8, CNAME)
  view.setUint8(reportBytes + 9, name.length)
  bytes.set(name, reportBytes + 10)
  return bytes
}

const writeBlock = (view: DataView, at: number, block: ReportBlock): void => {
  view.setUint32(at, block.ssrc)
  view.setUint32(at + 4, Math.min(LOST_MAX, Math.max(0, block.cumulativeLost)))
  view.setUint8(at + 4, block.fractionLost)
  view.setUint32(at + 8, block.highestSequence >>> 0)
  view.setUint32(at + 12, Math.round(block.jitterTicks) >>> 0)
  view.setUint32(at + 16, block.lastSenderReport)
  view.setUint32(at + 20, block.delaySinceLastSenderReport >>> 0)
}
