import type { RemoteInfo } from 'node:dgram'
import { isRtcp } from '../audio/rtp/packet.ts'
import type { MediaPorts } from './call-recorder.ts'
import type { MediaSockets } from './media-sockets.ts'
import { ReceiverReports } from './receiver-reports.ts'
import type { PacketSource, StreamReceiver } from './stream-receiver.ts'

/** The sockets of one media stream: RTP in, RTCP in and out. */
export class MediaLeg {
  readonly #sockets: MediaSockets
  readonly #reports = new ReceiverReports()
  #receiver: StreamReceiver | undefined

  constructor(sockets: MediaSockets, receive: (bytes: Uint8Array, from: PacketSource, nowMs: number) => void) {
    this.#sockets = sockets
    sockets.rtp.on('message', (bytes: Buffer, from: RemoteInfo) => {
      if (isRtcp(bytes)) this.#control(bytes, from)
      else receive(bytes, from, performance.now())
    })
    sockets.rtcp.on('message', (bytes: Buffer, from: RemoteInfo) => this.#control(bytes, from))
  }

  get ports(): MediaPorts {
    return this.#sockets.ports
  }

  /** From now on reports are sent of what this receiver hears. */
  follow(receiver: StreamReceiver | undefined): void {
    this.#receiver = receiver
  }

  /** Sends a report when one is due. */
  tick(nowMs: number): void {
    if (!this.#receiver) return
    const report = this.#reports.next(this.#receiver, nowMs)
    if (!report) return
    const { address, port } = this.#receiver.rtcpPeer
    const socket = this.#receiver.plan.isRtcpMultiplexed ? this.#sockets.rtp : this.#sockets.rtcp
    // A peer that is gone answers with ICMP, or the network has no way there: reports are only courtesy.
    if (port > 0) socket.send(report, port, address, () => {})
  }

  /** What strangers report does not count: only the address that media comes from is believed. */
  #control(bytes: Uint8Array, { address }: RemoteInfo): void {
    if (this.#receiver && this.#receiver.rtcpPeer.address !== address) return
    this.#reports.take(bytes, performance.now(), this.#receiver)
  }

  close(): void {
    this.#sockets.close()
  }
}
