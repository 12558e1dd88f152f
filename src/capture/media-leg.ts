import type { RemoteInfo } from 'node:dgram'
import { isRtcp } from '../audio/rtp/packet.ts'
import type { SrtpKey } from '../audio/srtp/srtp-key.ts'
import { SrtpReceiver } from '../audio/srtp/srtp-receiver.ts'
import { SrtpSender } from '../audio/srtp/srtp-sender.ts'
import type { MediaPorts, StreamSecurity } from './call-recorder.ts'
import type { MediaSockets } from './media-sockets.ts'
import { ReceiverReports } from './receiver-reports.ts'
import type { PacketSource, StreamReceiver } from './stream-receiver.ts'

/** The two ways of a secured stream. */
interface SrtpContexts {
  readonly keys: StreamSecurity
  readonly receiver: SrtpReceiver
  sender: SrtpSender
}

/** The sockets of one media stream: RTP in, RTCP in and out, opened and sealed when the stream is secured (RFC 3711). */
export class MediaLeg {
  readonly #sockets: MediaSockets
  readonly #reports = new ReceiverReports()
  #receiver: StreamReceiver | undefined
  #srtp: SrtpContexts | undefined

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

  /**
   * From now on reports are sent of what this receiver hears. Keys that are new replace those before; without any, what is secured stays so until a receiver
   * says that it is not.
   */
  follow(receiver: StreamReceiver | undefined, security: StreamSecurity | undefined): void {
    this.#receiver = receiver
    if (security) this.#secure(security)
    else if (receiver && !receiver.plan.isSecured) this.#srtp = undefined
  }

  /** The RTP packet in a datagram; undefined, and counted, when it is not authentic. Lent as the datagram is. */
  open(bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#srtp) return bytes
    const opened = this.#srtp.receiver.openRtp(bytes)
    if (typeof opened !== 'string') return opened
    this.#receiver?.noteRefused(opened)
    return undefined
  }

  /** Sends a report when one is due. */
  tick(nowMs: number): void {
    if (!this.#receiver) return
    const report = this.#reports.next(this.#receiver, nowMs)
    if (!report) return
    const { address, port } = this.#receiver.rtcpPeer
    const socket = this.#receiver.plan.isRtcpMultiplexed ? this.#sockets.rtp : this.#sockets.rtcp
    const sealed = this.#srtp ? this.#srtp.sender.sealRtcp(report) : report
    // A peer that is gone answers with ICMP, or the network has no way there: reports are only courtesy.
    if (port > 0) socket.send(sealed, port, address, () => {})
  }

  #secure(keys: StreamSecurity): void {
    const before = this.#srtp
    if (!before) {
      this.#srtp = { keys, receiver: new SrtpReceiver(keys.receive), sender: new SrtpSender(keys.send) }
      return
    }
    before.receiver.rekey(keys.receive)
    const sender = isSameKey(before.keys.send, keys.send) ? before.sender : new SrtpSender(keys.send)
    this.#srtp = { ...before, keys, sender }
  }

  #control(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#receiver && !isFromPeer(this.#receiver, from)) return
    const opened = this.#srtp ? this.#srtp.receiver.openRtcp(bytes) : bytes
    if (typeof opened !== 'string') this.#reports.take(opened, performance.now(), this.#receiver)
  }

  close(): void {
    this.#sockets.close()
  }
}

/**
 * What strangers report does not count: only the address that media comes from is believed, and only its port where that is known for good. Elsewhere RTCP
 * may come from any port of it.
 */
const isFromPeer = ({ plan, rtcpPeer }: StreamReceiver, { address, port }: RemoteInfo): boolean =>
  rtcpPeer.address === address && (!plan.isFixed || rtcpPeer.port === port)

const isSameKey = (a: SrtpKey, b: SrtpKey): boolean => a.suite === b.suite && Buffer.compare(a.keySalt, b.keySalt) === 0
