import type { Socket } from 'node:dgram'
import type { SocketAddress } from '../../../src/edges/sip/flow.ts'
import { formatSipMessage } from '../../../src/protocol/sip/format-message.ts'
import { headerOf, type SipMessage, type SipResponse } from '../../../src/protocol/sip/message.ts'
import { parseSipMessage } from '../../../src/protocol/sip/parse-message.ts'
import { MemoryFlow, PeerCall, type RequestParts } from '../../fakes/sip-peer.ts'
import { openAttacker } from './attacks.ts'

const LOOPBACK = '127.0.0.1'
/** A flood may cost datagrams of ours: what is not answered goes out again. */
const AGAIN_AFTER_MS = 500
const ANSWERED_WITHIN_MS = 15_000

/** One call over UDP whose caller does what it likes: it sends whatever it is told to, acknowledges only when it is told to, and takes every request of the server. */
export class WirePeer {
  readonly call: PeerCall
  /** Requests of the server, by method. */
  readonly requested: string[] = []
  readonly #socket: Socket
  readonly #flow: MemoryFlow
  readonly #serverPort: number
  readonly #waiting = new Map<string, (response: SipResponse) => void>()

  private constructor(socket: Socket, serverPort: number) {
    const { address, port } = socket.address()
    this.#socket = socket
    this.#serverPort = serverPort
    this.#flow = new MemoryFlow('UDP', { address, port })
    const onWire = { received: (message: SipMessage) => this.#send(formatSipMessage(message)), refused() {} }
    this.call = new PeerCall(onWire, this.#flow)
    socket.on('message', (bytes) => this.#take(bytes))
  }

  static async open(serverPort: number, from = LOOPBACK): Promise<WirePeer> {
    return new WirePeer(await openAttacker(from), serverPort)
  }

  /** Where it listens. */
  get local(): SocketAddress {
    return this.#flow.remote
  }

  /** Sends a request and waits for its final answer. */
  async request(method: string, parts: RequestParts = {}): Promise<SipResponse> {
    const request = this.call.form(method, parts)
    const branch = branchOf(request)
    if (method === 'INVITE') this.call.noteInvite(branch)
    const bytes = formatSipMessage(request)
    const answered = Promise.withResolvers<SipResponse>()
    this.#waiting.set(`${branch} ${method}`, answered.resolve)
    const again = setInterval(() => this.#send(bytes), AGAIN_AFTER_MS)
    const late = setTimeout(() => answered.reject(new Error(`no answer to ${method}`)), ANSWERED_WITHIN_MS)
    this.#send(bytes)
    try {
      return await answered.promise
    } finally {
      clearInterval(again)
      clearTimeout(late)
    }
  }

  /** Sends an INVITE, acknowledges its answer and takes the dialog that it made. */
  async invite(parts: RequestParts): Promise<SipResponse> {
    const response = await this.request('INVITE', parts)
    if (response.status < 300) this.call.learn()
    this.call.ack()
    return response
  }

  /** The status of a request within the call; an INVITE is acknowledged. */
  async statusOf(method: string, parts: RequestParts = {}): Promise<number> {
    const { status } = await this.request(method, parts)
    if (method === 'INVITE') this.call.ack()
    return status
  }

  close(): void {
    this.#socket.close()
  }

  #send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#serverPort, LOOPBACK, () => {})
  }

  #take(bytes: Uint8Array): void {
    const message = parseSipMessage(bytes)
    if (message.kind === 'refusal') throw new Error(`the server sent what cannot be read: ${message.reason}`)
    if (message.kind === 'request') {
      this.requested.push(message.method)
      this.call.respond(message, 200)
    } else if (message.status >= 200) {
      this.#flow.sent.push(message)
      const key = `${branchOf(message)} ${headerOf(message, 'CSeq')?.split(' ')[1]}`
      this.#waiting.get(key)?.(message)
      this.#waiting.delete(key)
    }
  }
}

const branchOf = (message: SipMessage): string => /branch=([^;,\s]+)/.exec(headerOf(message, 'Via') ?? '')?.[1] ?? ''
