import type { MediaSeal } from './media-seal.ts'
import type { MediaSockets } from './media-sockets.ts'
import type { Paced, Pacer } from './pacer.ts'
import { type Random, seededRandom } from './random.ts'
import type { RemoteMedia, SourcePosition } from './rtp-sender.ts'

/** What reports of one stream need. */
export interface RtcpSenderOptions {
  readonly pacer: Pacer
  readonly sockets: MediaSockets
  readonly remote: RemoteMedia
  readonly clockRateHz: number
  /** The name that stays when the SSRC changes (RFC 3550 §6.5.1). */
  readonly cname: string
  /** What the stream's sender is at. */
  readonly position: () => SourcePosition | undefined
  /** Mean time between reports, 5 s unless said. */
  readonly everyMs?: number
  readonly seed?: number
  /** By how much its wall clock is fast. */
  readonly clockOffsetMs?: number
  /** Makes SRTCP of it, and opens what comes. */
  readonly seal?: MediaSeal
}

/** The last report block about one of our streams (RFC 3550 §6.4.1). */
export interface ReceiverReport {
  readonly ssrc: number
  /** Of 256, since the report before. */
  readonly fractionLost: number
  readonly cumulativeLost: number
  readonly highestSequence: number
  readonly jitterTicks: number
}

const EVERY_MS = 5000
const FIRST_AFTER_MS = 500
const VERSION = 0x80
const [SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE] = [200, 201, 202, 203]
const CNAME = 1
const REPORT_BLOCK_BYTES = 24
/** Seconds from 1900 to 1970 (RFC 3550 §4). */
const NTP_OFFSET_SECONDS = 2_208_988_800
const TWO_TO_32 = 2 ** 32
/** Packets in one compound that are looked at. */
const COMPOUND_MAX = 32

/** Sends sender reports with the CNAME now and then, and a goodbye at the end; collects what the other side reports. */
export class RtcpSender implements Paced {
  readonly #options: RtcpSenderOptions
  readonly #random: Random
  #remote: RemoteMedia
  #lastSsrc: number | undefined
  dueAtMs: number | undefined
  sentCount = 0
  /** Report blocks about our streams that came. */
  reportCount = 0
  lastReport: ReceiverReport | undefined

  constructor(options: RtcpSenderOptions) {
    this.#options = options
    this.#remote = options.remote
    this.#random = seededRandom(options.seed ?? 1)
    options.sockets.rtcp.on('message', (bytes: Uint8Array) => {
      const plain = options.seal ? options.seal.openRtcp(bytes) : bytes
      const reports = plain ? readReports(plain) : []
      this.reportCount += reports.length
      this.lastReport = reports.at(-1) ?? this.lastReport
    })
  }

  /** Begins now, or at a time on the pacer's clock. */
  start(atMs = this.#options.pacer.nowMs()): void {
    this.dueAtMs = atMs + FIRST_AFTER_MS
    this.#options.pacer.add(this)
  }

  redirect(remote: RemoteMedia): void {
    this.#remote = remote
  }

  run(nowMs: number): void {
    // Never in step with other streams (RFC 3550 §6.2).
    this.dueAtMs = nowMs + (this.#options.everyMs ?? EVERY_MS) * (0.5 + this.#random())
    const position = this.#options.position()
    if (position) this.#send(formatReport(position, this.#options, nowMs))
  }

  /** Says goodbye, once, and reports no more. */
  stop(): void {
    if (this.dueAtMs === undefined) return
    this.dueAtMs = undefined
    const position = this.#options.position()
    if (!position) return
    this.#send(
      Buffer.concat([formatReport(position, this.#options, this.#options.pacer.nowMs()), formatGoodbye(position.ssrc)]),
    )
  }

  /** A new source says its name before anybody has to wonder. */
  announce(): void {
    const position = this.#options.position()
    if (!position || position.ssrc === this.#lastSsrc) return
    this.#send(formatReport(position, this.#options, this.#options.pacer.nowMs()))
  }

  #send(plain: Buffer): void {
    this.#lastSsrc = plain.readUInt32BE(4)
    this.sentCount += 1
    const bytes = this.#options.seal?.sealRtcp(plain) ?? plain
    // A report that is lost is nothing: that is what RTCP is like.
    this.#options.sockets.rtcp.send(bytes, 0, bytes.length, this.#remote.rtcpPort, this.#remote.address, () => {})
  }
}

/** A sender report and the source's name (RFC 3550 §6.4.1, §6.5). */
const formatReport = (position: SourcePosition, options: RtcpSenderOptions, nowMs: number): Buffer => {
  const report = Buffer.alloc(28)
  const unixMs = options.pacer.unixMsAt(nowMs) + (options.clockOffsetMs ?? 0)
  const elapsedTicks = Math.round(((nowMs - position.sampledAtMs) * options.clockRateHz) / 1000)
  report[0] = VERSION
  report[1] = SENDER_REPORT as number
  report.writeUInt16BE(report.length / 4 - 1, 2)
  report.writeUInt32BE(position.ssrc, 4)
  report.writeUInt32BE((Math.floor(unixMs / 1000) + NTP_OFFSET_SECONDS) % TWO_TO_32, 8)
  report.writeUInt32BE(Math.floor(((unixMs % 1000) / 1000) * TWO_TO_32), 12)
  report.writeUInt32BE((((position.timestamp + elapsedTicks) % TWO_TO_32) + TWO_TO_32) % TWO_TO_32, 16)
  report.writeUInt32BE(position.packets % TWO_TO_32, 20)
  report.writeUInt32BE(position.bytes % TWO_TO_32, 24)
  return Buffer.concat([report, formatName(position.ssrc, options.cname)])
}

const formatName = (ssrc: number, cname: string): Buffer => {
  const name = Buffer.from(cname)
  // The list of items ends with at least one zero, at a whole number of words.
  const bytes = Buffer.alloc(4 * Math.ceil((8 + 2 + name.length + 1) / 4))
  bytes[0] = VERSION | 1
  bytes[1] = SOURCE_DESCRIPTION as number
  bytes.writeUInt16BE(bytes.length / 4 - 1, 2)
  bytes.writeUInt32BE(ssrc, 4)
  bytes[8] = CNAME
  bytes[9] = name.length
  bytes.set(name, 10)
  return bytes
}

const formatGoodbye = (ssrc: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes[0] = VERSION | 1
  bytes[1] = GOODBYE as number
  bytes.writeUInt16BE(1, 2)
  bytes.writeUInt32BE(ssrc, 4)
  return bytes
}

/** The report blocks of a compound packet's receiver reports; whatever does not hold what it says is left out. */
export const readReports = (bytes: Uint8Array): readonly ReceiverReport[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const reports: ReceiverReport[] = []
  let offset = 0
  for (let count = 0; count < COMPOUND_MAX && offset + 8 <= bytes.length; count += 1) {
    const end = offset + 4 * (view.getUint16(offset + 2) + 1)
    if (end > bytes.length || (view.getUint8(offset) & 0xc0) !== VERSION) break
    const blocks = view.getUint8(offset) & 31
    if (view.getUint8(offset + 1) === RECEIVER_REPORT && offset + 8 + blocks * REPORT_BLOCK_BYTES <= end) {
      for (let block = 0; block < blocks; block += 1)
        reports.push(readBlock(view, offset + 8 + block * REPORT_BLOCK_BYTES))
    }
    offset = end
  }
  return reports
}

const readBlock = (view: DataView, at: number): ReceiverReport => ({
  ssrc: view.getUint32(at),
  fractionLost: view.getUint8(at + 4),
  cumulativeLost: (view.getUint32(at + 4) << 8) >> 8,
  highestSequence: view.getUint32(at + 8),
  jitterTicks: view.getUint32(at + 12),
})
