import type { Socket } from 'node:dgram'
import type { FrameSource } from './frame-source.ts'
import type { MediaSeal } from './media-seal.ts'
import type { MediaSockets } from './media-sockets.ts'
import type { Paced, Pacer } from './pacer.ts'
import type { PacketStream, StreamTruth, TimedPacket } from './packet-stream.ts'

/** What one stream sends, whence and whither. */
export interface RtpSenderOptions {
  readonly pacer: Pacer
  readonly sockets: MediaSockets
  readonly packets: PacketStream
  readonly frames: FrameSource
  /** RTP payload type, 0 to 127. */
  readonly payloadType: number
  /** That of telephone-events; needed when the stream has any. */
  readonly eventType?: number
  readonly remote: RemoteMedia
  /** Contributing sources of every packet, at most 15. */
  readonly contributors?: readonly number[]
  /** Makes SRTP of it. */
  readonly seal?: MediaSeal
  /** Hears of every new SSRC, right after its first packet. */
  readonly newSource?: () => void
  /** How much faster than real time, 1 unless said; up to {@link SPEED_MAX}. */
  readonly speed?: number
}

/** Where a stream is sent to: IP addresses, not names. */
export interface RemoteMedia {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
}

/** Where a stream is: what a sender report says of it. */
export interface SourcePosition {
  readonly ssrc: number
  /** Of the packet that went out last, and the instant that it names, on the pacer's clock: that of sampling, not of sending. */
  readonly timestamp: number
  readonly sampledAtMs: number
  /** Packets and payload bytes so far. */
  readonly packets: number
  readonly bytes: number
}

/** What really went out, and when. */
export interface SenderReport {
  /** Unix time at which the stream began, whether its first frame was sent or not; parts of a millisecond count. */
  readonly beginsAtUnixMs: number
  readonly packets: number
  /** Of payload. */
  readonly bytes: number
  /** The socket refused these: nobody listens there, or the system has no room. */
  readonly failed: number
  /** Unix time of the first and the last packet; absent before the first. */
  readonly firstSentAtMs?: number
  readonly lastSentAtMs?: number
  /** How late packets went out, against their plan. */
  readonly lateMeanMs: number
  readonly lateMaxMs: number
  /** How late the first one did. */
  readonly lateFirstMs: number
  readonly truth: StreamTruth
}

export const SPEED_MAX = 10_000
/** Packets of one stream that go out at once, before others have their turn. */
const BATCH_MAX = 256
const RTP_HEADER_BYTES = 12
const SOURCE_BYTES = 4
const RTP_VERSION = 0x80
const MARKER = 0x80

/** One packet as it goes out (RFC 3550 §5.1): no padding, no extension. */
const formatPacket = (
  packet: TimedPacket,
  payloadType: number,
  payload: Uint8Array,
  contributors: readonly number[],
): Buffer => {
  const headerBytes = RTP_HEADER_BYTES + SOURCE_BYTES * contributors.length
  const bytes = Buffer.allocUnsafe(headerBytes + payload.length)
  bytes[0] = RTP_VERSION | contributors.length
  bytes[1] = payloadType | (packet.marker ? MARKER : 0)
  bytes.writeUInt16BE(packet.sequence, 2)
  bytes.writeUInt32BE(packet.timestamp, 4)
  bytes.writeUInt32BE(packet.ssrc, 8)
  for (const [index, ssrc] of contributors.entries()) bytes.writeUInt32BE(ssrc, RTP_HEADER_BYTES + SOURCE_BYTES * index)
  bytes.set(payload, headerBytes)
  return bytes
}

/** Sends one stream over its socket, each packet at its time, never before. */
export class RtpSender implements Paced {
  readonly #options: RtpSenderOptions
  readonly #speed: number
  readonly #newSource: () => void
  readonly #done = Promise.withResolvers<void>()
  #remote: RemoteMedia
  #last: TimedPacket | undefined
  #startedAtMs = 0
  #startedAtUnixMs = 0
  #packets = 0
  #bytes = 0
  #failed = 0
  #firstSentAtMs: number | undefined
  #lastSentAtMs: number | undefined
  #lateSumMs = 0
  #lateMaxMs = 0
  #lateFirstMs: number | undefined
  dueAtMs: number | undefined

  constructor(options: RtpSenderOptions) {
    this.#options = options
    this.#remote = options.remote
    this.#newSource = options.newSource ?? (() => {})
    this.#speed = options.speed ?? 1
  }

  /** Begins now, or at a time on the pacer's clock. */
  start(atMs = this.#options.pacer.nowMs()): void {
    this.#startedAtMs = atMs
    this.#startedAtUnixMs = this.#options.pacer.unixMsAt(atMs)
    this.#plan()
    this.#options.pacer.add(this)
  }

  /** Begins no frame any more; what is on its way still goes out. */
  stop(): void {
    this.#options.packets.end()
    this.#plan()
  }

  /** Sends nothing until it is unmuted; time goes on. */
  mute(isMuted: boolean): void {
    this.#options.packets.mute(isMuted)
  }

  /** The next packet comes from another source. */
  changeSource(): void {
    this.#options.packets.changeSource()
  }

  /** Resolves when the last packet has gone out. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** From the next packet on they go there. */
  redirect(remote: RemoteMedia): void {
    this.#remote = remote
  }

  run(nowMs: number): void {
    const atMs = (nowMs - this.#startedAtMs) * this.#speed
    for (let count = 0; count < BATCH_MAX; count += 1) {
      const packet = this.#options.packets.next(atMs)
      if (!packet) break
      this.#send(packet)
    }
    this.#plan()
  }

  /** Where the stream is; undefined before its first packet. */
  get position(): SourcePosition | undefined {
    if (!this.#last) return undefined
    const { ssrc, timestamp } = this.#last
    const sampledAtMs = this.#startedAtMs + this.#last.sampledAtMs / this.#speed
    return { ssrc, timestamp, sampledAtMs, packets: this.#packets, bytes: this.#bytes }
  }

  /** What has gone out so far. */
  report(): SenderReport {
    const at = (sentAtMs: number) => this.#startedAtUnixMs + sentAtMs - this.#startedAtMs
    return {
      beginsAtUnixMs: this.#startedAtUnixMs,
      packets: this.#packets,
      bytes: this.#bytes,
      failed: this.#failed,
      ...(this.#firstSentAtMs !== undefined && { firstSentAtMs: at(this.#firstSentAtMs) }),
      ...(this.#lastSentAtMs !== undefined && { lastSentAtMs: at(this.#lastSentAtMs) }),
      lateMeanMs: this.#packets === 0 ? 0 : this.#lateSumMs / this.#packets,
      lateMaxMs: this.#lateMaxMs,
      lateFirstMs: this.#lateFirstMs ?? 0,
      truth: this.#options.packets.truth(),
    }
  }

  #plan(): void {
    const atMs = this.#options.packets.dueAtMs
    this.dueAtMs = atMs === undefined ? undefined : this.#startedAtMs + atMs / this.#speed
    if (atMs === undefined) this.#done.resolve()
  }

  #send(packet: TimedPacket): void {
    const { payloadType, eventType = payloadType, frames, contributors = [], seal } = this.#options
    const payload = packet.event ?? frames.frame(packet.frame)
    const plain = formatPacket(packet, packet.event ? eventType : payloadType, payload, contributors)
    const bytes = seal?.sealRtp(plain) ?? plain
    // Read again: encoding takes its time, too, and so do the packets before this one.
    const nowMs = this.#options.pacer.nowMs()
    const lateMs = nowMs - this.#startedAtMs - packet.sendAtMs / this.#speed
    sendTo(this.#options.sockets.rtp, bytes, this.#remote.rtpPort, this.#remote.address, this.#count)
    const isNew = packet.ssrc !== this.#last?.ssrc
    this.#last = packet
    this.#packets += 1
    this.#bytes += payload.length
    this.#firstSentAtMs ??= nowMs
    this.#lastSentAtMs = nowMs
    this.#lateSumMs += lateMs
    this.#lateFirstMs ??= lateMs
    this.#lateMaxMs = Math.max(this.#lateMaxMs, lateMs)
    if (isNew) this.#newSource()
  }

  readonly #count = (error: Error | null): void => {
    if (error) this.#failed += 1
  }
}

const sendTo = (
  socket: Socket,
  bytes: Uint8Array,
  port: number,
  address: string,
  sent: (error: Error | null) => void,
): void => socket.send(bytes, 0, bytes.length, port, address, sent)
