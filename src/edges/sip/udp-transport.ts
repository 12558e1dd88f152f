import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { parseSipMessage } from '../../protocol/sip/parse-message.ts'
import { type LocalEnd, plainAddress, type SipFlow, type SipReceiver, type SocketAddress } from './flow.ts'

/** Room for a burst of requests between two turns of the event loop. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** Datagrams that wait for the kernel; what comes on top of them is dropped, as the network would. */
const SEND_QUEUE_MAX_BYTES = 4 * 1024 * 1024
/** Shorter ones are keep-alives (RFC 5626 §3.5.1 and what devices make of it), never requests. */
const MESSAGE_MIN_BYTES = 16

/** How a transport finds where its peers reach it. */
export type FindLocal = (listening: SocketAddress, remote: SocketAddress) => Promise<LocalEnd>

/** SIP over one UDP socket (RFC 3261 §18). */
export class UdpTransport {
  readonly family: 4 | 6
  readonly #socket: Socket
  readonly #receiver: SipReceiver
  readonly #findLocal: FindLocal
  #local: SocketAddress = { address: '', port: 0 }

  constructor(family: 4 | 6, receiver: SipReceiver, findLocal: FindLocal) {
    this.family = family
    this.#receiver = receiver
    this.#findLocal = findLocal
    // Both families on one port are two listeners here, so IPv6 must not take IPv4's place.
    this.#socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 })
    this.#socket.on('message', (bytes, { address, port }) => this.#receive(bytes, { address, port }))
  }

  /** Where it listens; rejects with what the platform says. */
  async open(address: string, port: number): Promise<SocketAddress> {
    this.#socket.bind({ address, port, exclusive: true })
    await once(this.#socket, 'listening')
    // Errors of single datagrams (an unreachable peer's ICMP) are losses, which transactions cope with.
    this.#socket.on('error', () => {})
    this.#socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    const bound = this.#socket.address()
    this.#local = { address: bound.address, port: bound.port }
    return this.#local
  }

  /** The flow to a peer. */
  flowTo(remote: SocketAddress): SipFlow {
    const plain = { address: plainAddress(remote.address), port: remote.port }
    return {
      protocol: 'UDP',
      remote: plain,
      isOpen: true,
      // A link-local peer is only reached with the zone that plain addresses lack.
      send: (bytes, to) =>
        this.#send(bytes, to?.address === plain.address ? { ...remote, port: to.port } : (to ?? remote)),
      findLocal: () => this.#findLocal(this.#local, plain),
      onClosed: () => () => {},
      trust: () => {},
      retain: () => () => {},
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #receive(bytes: Uint8Array, remote: SocketAddress): void {
    if (bytes.length < MESSAGE_MIN_BYTES || remote.port === 0) return
    const parsed = parseSipMessage(bytes)
    const flow = this.flowTo(remote)
    if (parsed.kind === 'refusal') this.#receiver.refused(parsed, flow)
    else this.#receiver.received(parsed, flow)
  }

  #send(bytes: Uint8Array, to: SocketAddress): boolean {
    const isSameFamily = isIPv6(to.address) === (this.family === 6)
    if (!isSameFamily || to.port === 0 || this.#socket.getSendQueueSize() > SEND_QUEUE_MAX_BYTES) return false
    try {
      this.#socket.send(bytes, to.port, to.address, () => {})
      return true
    } catch {
      // The socket was closed meanwhile.
      return false
    }
  }
}
