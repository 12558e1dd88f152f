import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { IceUdpMuxListener } from 'node-datachannel'
import type { PeerOffer } from '../../ports/webrtc-peers.ts'
import { type FromTransport, LOOPBACK, type PeersListen, type ToTransport } from './messages.ts'
import { Peer } from './peer.ts'

/** Where packets of one line go. */
interface Line {
  readonly peer: Peer
  readonly line: number
}

const COLLECT_EVERY = 64
const RECEIVE_BUFFER_BYTES = 1024 * 1024

/** The transport process from inside: peers on one side, packets in the open on the other, both over one socket each. */
export class Transport {
  readonly #send: (message: FromTransport) => void
  readonly #peers = new Map<string, Peer>()
  /** Which line reports from this port of the recorder are for. */
  readonly #byRtpPort = new Map<number, Line>()
  /** Peers that have come and gone. */
  #left = 0
  #listen: PeersListen | undefined
  #socket: Socket | undefined
  /** Keeps the port ours while there is no peer; held, or it would be let go of. */
  readonly #listeners: IceUdpMuxListener[] = []

  constructor(send: (message: FromTransport) => void) {
    this.#send = send
  }

  /** Never rejects: what went wrong is said. */
  async take(message: ToTransport): Promise<void> {
    if (message.type === 'start') await this.#start(message.listen)
    else if (message.type === 'connect') await this.#connect(message.ticket, message.id, message.offer)
    else if (message.type === 'candidates') this.#addCandidates(message.id, message.candidates)
    else this.#drop(message.id)
  }

  #collectSometimes(): void {
    this.#left += 1
    if (this.#left % COLLECT_EVERY !== 0) return
    // Not under the packets that are being handed on.
    setImmediate(collect)
  }

  async #start(listen: PeersListen): Promise<void> {
    try {
      const port = await findFree(listen)
      this.#listeners.push(new IceUdpMuxListener(port, listen.address))
      this.#listen = { address: listen.address, port }
      const socket = await bind({ address: LOOPBACK, port: 0 })
      // A recorder that has just closed a port answers with ICMP: nobody waits for it.
      socket.on('error', () => {})
      socket.on('message', (bytes, from) => this.#report(bytes, from.port))
      this.#socket = socket
      this.#send({ type: 'started', port, originPort: socket.address().port })
    } catch (error) {
      this.#send({ type: 'failed', message: messageOf(error) })
    }
  }

  async #connect(ticket: number, id: string, offer: PeerOffer): Promise<void> {
    const listen = this.#listen
    if (!listen) return this.#send({ type: 'refused', ticket, message: 'not started' })
    try {
      const peer = new Peer(listen, offer, {
        onPacket: (line, bytes) => this.#forward(bytes, offer.lines[line]?.rtpPort),
        onEnded: (end) => {
          this.#forget(id, peer)
          this.#send({ type: 'ended', id, end })
        },
      })
      this.#peers.set(id, peer)
      for (const [line, { rtpPort }] of offer.lines.entries()) this.#byRtpPort.set(rtpPort, { peer, line })
      this.#send({ type: 'connected', ticket, answer: await peer.answer() })
    } catch (error) {
      this.#drop(id)
      this.#send({ type: 'refused', ticket, message: messageOf(error) })
    }
  }

  #addCandidates(id: string, candidates: readonly string[]): void {
    for (const candidate of candidates) {
      // One that the library cannot use is one that does not help (RFC 9725 §4.3.2).
      try {
        this.#peers.get(id)?.addCandidate(candidate)
      } catch {}
    }
  }

  #forward(bytes: Buffer, rtpPort: number | undefined): void {
    if (rtpPort !== undefined) this.#socket?.send(bytes, rtpPort, LOOPBACK)
  }

  #report(bytes: Uint8Array, fromPort: number): void {
    const target = this.#byRtpPort.get(fromPort)
    target?.peer.send(target.line, bytes)
  }

  #drop(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    this.#forget(id, peer)
    peer.close()
  }

  #forget(id: string, peer: Peer): void {
    if (this.#peers.delete(id)) this.#collectSometimes()
    for (const [port, line] of this.#byRtpPort) if (line.peer === peer) this.#byRtpPort.delete(port)
  }
}

/**
 * What a peer has taken of native memory goes back when its handle is collected, of which V8, which sees only the handle, thinks nothing for hours. Only with
 * `--expose-gc`.
 */
const collect = (): void => (globalThis as { gc?: () => void }).gc?.()

/** The port, when it is free, or any that is. The library would not say that it is not. */
const findFree = async (listen: PeersListen): Promise<number> => {
  const socket = await bind(listen)
  const { port } = socket.address()
  socket.close()
  return port
}

const bind = async ({ address, port }: PeersListen): Promise<Socket> => {
  const type = address.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES, lookup: asItIs })
  const listening = once(socket, 'listening')
  socket.bind({ address, port, exclusive: true })
  await listening
  return socket
}

/** Addresses here are never names. */
const asItIs = (
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void => done(null, address, address.includes(':') ? 6 : 4)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
