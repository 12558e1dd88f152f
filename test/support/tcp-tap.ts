import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { selfSigned } from './self-signed.ts'

const HEAD_BYTES = 4096
const MESSAGES_MAX = 1000

/** What a tap does beside passing on. */
export interface TapOptions {
  /** Speaks TLS, with a certificate that nobody trusts. */
  readonly isTls?: boolean
  /** Cuts the connection when the answer to the first such request comes, and never again. */
  readonly cutAnswerTo?: RegExp
}

/** Stands between a client and a server on loopback, and listens in. */
export class TcpTap {
  readonly #server: Server
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #isTls: boolean
  #cutAnswerTo: RegExp | undefined
  /** The beginnings of what the client has written, a write each, as text. */
  readonly requests: string[] = []

  private constructor(target: string, { isTls = false, cutAnswerTo }: TapOptions) {
    this.#target = new URL(target)
    this.#isTls = isTls
    this.#cutAnswerTo = cutAnswerTo
    const take = (socket: Socket) => this.#pass(socket)
    this.#server = isTls ? createTlsServer(selfSigned({ name: '127.0.0.1' }), take) : createServer(take)
  }

  static async start(target: string, options: TapOptions = {}): Promise<TcpTap> {
    const tap = new TcpTap(target, options)
    tap.#server.listen(0, '127.0.0.1')
    await once(tap.#server, 'listening')
    return tap
  }

  get endpoint(): string {
    return `http${this.#isTls ? 's' : ''}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections of the client that are open now. */
  get connectionCount(): number {
    return this.#sockets.size
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname)
    let isToBeCut = false
    this.#sockets.add(client)
    client.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1', 0, HEAD_BYTES)
      if (this.requests.length < MESSAGES_MAX) this.requests.push(text)
      if (this.#cutAnswerTo?.test(text)) [isToBeCut, this.#cutAnswerTo] = [true, undefined]
    })
    server.on('data', () => isToBeCut && client.destroy())
    client.pipe(server)
    server.pipe(client)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => {})
      from.once('close', () => to.destroy())
    }
    client.once('close', () => this.#sockets.delete(client))
  }
}
