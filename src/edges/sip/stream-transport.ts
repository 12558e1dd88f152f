import { once } from 'node:events'
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, connect as tlsConnect } from 'node:tls'
import { PoulsenError } from '../../domain/errors.ts'
import type { ConnectionTable } from './connection-table.ts'
import { formatHostPort, plainAddress, type SipFlow, type SipReceiver, type SocketAddress } from './flow.ts'
import { peerCertificateOf } from './peer-certificate.ts'
import { type ConnectionLimits, StreamConnection } from './stream-connection.ts'
import type { Timers } from './timers.ts'
import type { FindLocal } from './udp-transport.ts'

const CONNECT_DEADLINE_MS = 5_000
const BACKLOG = 511
/** Older ones are broken (RFC 8996), whatever the platform was told to allow. */
const VERSION_MIN = 'TLSv1.2'

/** A PEM certificate chain and its key. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/** SIP over TCP or TLS: one listener, and connections of both directions (RFC 3261 §18). */
export class StreamTransport {
  readonly protocol: 'TCP' | 'TLS'
  readonly #server: Server
  readonly #table: ConnectionTable<Socket>
  readonly #receiver: SipReceiver
  readonly #timers: Timers
  readonly #limits: ConnectionLimits
  readonly #findLocal: FindLocal
  readonly #flows = new Map<string, StreamConnection>()
  /** Connections below TLS, by peer: what is counted is the connection, what speaks SIP is the TLS socket on it. */
  readonly #carriers = new Map<string, Socket>()
  #local: SocketAddress = { address: '', port: 0 }

  constructor(options: {
    readonly tls: TlsFiles | undefined
    readonly table: ConnectionTable<Socket>
    readonly receiver: SipReceiver
    readonly timers: Timers
    readonly limits: ConnectionLimits
    readonly findLocal: FindLocal
  }) {
    this.protocol = options.tls ? 'TLS' : 'TCP'
    this.#table = options.table
    this.#receiver = options.receiver
    this.#timers = options.timers
    this.#limits = options.limits
    this.#findLocal = options.findLocal
    if (options.tls) this.#server = this.#secureServer(options.tls)
    else this.#server = createServer((socket) => this.#admit(socket) && this.#adopt(socket, socket))
  }

  /** Where it listens; rejects with what the platform says. */
  async open(host: string, port: number): Promise<SocketAddress> {
    this.#server.listen({ host, port, ipv6Only: true, backlog: BACKLOG })
    await once(this.#server, 'listening')
    // A failed accept (no file descriptor left) costs that connection; the peer tries again.
    this.#server.on('error', () => {})
    const bound = this.#server.address() as AddressInfo
    this.#local = { address: bound.address, port: bound.port }
    return this.#local
  }

  /** Takes another certificate into service for new connections. */
  setCertificate(tls: TlsFiles): void {
    if (this.protocol === 'TLS') (this.#server as TlsServer).setSecureContext({ ...tls, minVersion: VERSION_MIN })
  }

  /** The open connection to a peer, else a new one. Rejects with SIP_UNREACHABLE. */
  async connect(remote: SocketAddress): Promise<SipFlow> {
    const open = this.#flows.get(formatHostPort(remote))
    if (open?.isOpen) return open
    const { address: host, port } = remote
    const socket =
      this.protocol === 'TLS' ? tlsConnect({ host, port, minVersion: VERSION_MIN }) : netConnect({ host, port })
    if (!this.#admit(socket, remote.address)) throw unreachable(remote)
    try {
      const established = this.protocol === 'TLS' ? 'secureConnect' : 'connect'
      await once(socket, established, { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) })
    } catch (cause) {
      socket.destroy()
      throw unreachable(remote, cause)
    }
    this.#table.trust(socket)
    return this.#adopt(socket, socket)
  }

  /** Cuts what is connected and no longer listens. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#table.destroyAll()
    await closed
  }

  #secureServer(tls: TlsFiles): TlsServer {
    // Whoever has a certificate is asked for it. No authority has to vouch for it: trunks know their certificates by fingerprint.
    const certificates = { requestCert: true, rejectUnauthorized: false }
    const handshake = { handshakeTimeout: this.#limits.firstMessageMs, minVersion: VERSION_MIN } as const
    const server = createTlsServer({ ...tls, ...certificates, ...handshake }, (secured) => {
      secured.on('error', () => {})
      this.#adopt(secured, this.#carriers.get(peerOf(secured)) ?? secured)
    })
    // Counted from the first packet on: a handshake that never ends takes room as well.
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket)
      if (!this.#admit(socket)) return
      this.#carriers.set(peer, socket)
      socket.once('close', () => this.#carriers.delete(peer))
    })
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server
  }

  #admit(socket: Socket, address = plainAddress(socket.remoteAddress ?? '')): boolean {
    // Errors of a connection end it, and its end is what matters.
    socket.on('error', () => {})
    if (!this.#table.add(socket, address)) {
      socket.destroy()
      return false
    }
    socket.once('close', () => this.#table.remove(socket))
    return true
  }

  #adopt(socket: Socket, carrier: Socket): StreamConnection {
    const remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    const name = peerOf(socket)
    const connection = new StreamConnection({
      protocol: this.protocol,
      remote,
      certificate: peerCertificateOf(socket),
      socket,
      receiver: this.#receiver,
      timers: this.#timers,
      limits: this.#limits,
      findLocal: () => this.#findLocal(this.#local, remote),
      onTrusted: () => this.#table.trust(carrier),
    })
    this.#flows.set(name, connection)
    socket.once('close', () => {
      if (this.#flows.get(name) === connection) this.#flows.delete(name)
    })
    return connection
  }
}

const peerOf = (socket: Socket): string =>
  formatHostPort({ address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 })

const unreachable = (remote: SocketAddress, cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'SIP_UNREACHABLE',
    kind: 'unavailable',
    message: `No SIP connection to ${formatHostPort(remote)}.`,
    cause,
  })
