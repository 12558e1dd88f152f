import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { makeResponse } from '../../src/caller/sip-text.ts'
import { formatMessage, MessageSplitter, parseDatagram } from '../../src/caller/sip-wire.ts'
import type { SipHeaders, SipMessage, SipRequest, SipResponse } from '../../src/protocol/sip/message.ts'

/** What a script answers to one request: any number of messages, in order. */
export type Script = (request: SipRequest, uas: ScriptedUas) => readonly SipMessage[]

const LOOPBACK = '127.0.0.1'
const TAG = 'scripted'

/** A user agent server that does what a script says, on a loopback port: the other end of a caller's tests. It does nothing by itself: no repetition, no ACK. */
export class ScriptedUas {
  readonly received: SipRequest[] = []
  readonly responses: SipResponse[] = []
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly #script: Script
  #send: (message: SipMessage) => void = () => {}
  #close: () => void = () => {}
  port = 0

  private constructor(transport: 'udp' | 'tcp' | 'tls', script: Script) {
    this.transport = transport
    this.#script = script
  }

  static async open(
    script: Script,
    transport: 'udp' | 'tcp' | 'tls' = 'udp',
    tls: { readonly key: string; readonly cert: string } = { key: '', cert: '' },
  ): Promise<ScriptedUas> {
    const uas = new ScriptedUas(transport, script)
    if (transport === 'udp') await uas.#openUdp()
    else await uas.#openStream(transport === 'tls' ? createTlsServer(tls) : createServer())
    return uas
  }

  get target(): string {
    return `sip:rec@${LOOPBACK}:${this.port};transport=${this.transport}`
  }

  /** How many requests of a method came, repetitions included. */
  count(method: string): number {
    return this.received.filter((request) => request.method === method).length
  }

  /** Sends to whom the last message came from. */
  send(message: SipMessage): void {
    this.#send(message)
  }

  close(): void {
    this.#close()
  }

  /** A response with our tag. */
  respond(
    request: SipRequest,
    status: number,
    parts: { readonly headers?: SipHeaders; readonly sdp?: string } = {},
  ): SipResponse {
    const { headers = [], sdp } = parts
    const response = makeResponse(request, status, 'Scripted', {
      headers,
      ...(sdp !== undefined && { body: { type: 'application/sdp', text: sdp } }),
    })
    const tagged = response.headers.map(([name, value]): [string, string] => [
      name,
      name === 'To' && !value.includes('tag=') ? `${value};tag=${TAG}` : value,
    ])
    return { ...response, headers: tagged }
  }

  /** A 200 to an INVITE, with Contact and session description. */
  accept(request: SipRequest, sdp: string, headers: SipHeaders = []): SipResponse {
    const contact = `<sip:rec@${LOOPBACK}:${this.port};transport=${this.transport}>`
    return this.respond(request, 200, { headers: [['Contact', contact], ...headers], sdp })
  }

  async #openUdp(): Promise<void> {
    const socket = createSocket('udp4')
    socket.bind(0, LOOPBACK)
    await once(socket, 'listening')
    this.port = socket.address().port
    this.#close = () => socket.close()
    socket.on('message', (bytes, { port, address }) => {
      this.#send = (message) => socket.send(formatMessage(message), port, address)
      this.#take(parseDatagram(bytes))
    })
  }

  async #openStream(server: ReturnType<typeof createServer>): Promise<void> {
    const open = new Set<Socket>()
    server.listen(0, LOOPBACK)
    await once(server, 'listening')
    this.port = (server.address() as { port: number }).port
    this.#close = () => {
      for (const socket of open) socket.destroy()
      server.close()
    }
    server.on(this.transport === 'tls' ? 'secureConnection' : 'connection', (socket: Socket) => {
      open.add(socket)
      const splitter = new MessageSplitter()
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        this.#send = (message) => socket.write(formatMessage(message))
        for (const message of splitter.append(chunk)) this.#take(message)
      })
    })
  }

  #take(message: SipMessage | { readonly kind: 'garbled'; readonly reason: string }): void {
    if (message.kind === 'garbled') throw new Error(message.reason)
    if (message.kind === 'response') {
      this.responses.push(message)
      return
    }
    this.received.push(message)
    for (const answer of this.#script(message, this)) this.#send(answer)
  }
}
