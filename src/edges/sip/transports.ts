import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import { PoulsenError } from '../../domain/errors.ts'
import type { SipListenAddress } from '../../ops/sip-listen.ts'
import { type ConnectionBounds, ConnectionTable } from './connection-table.ts'
import type { SipFlow, SipProtocol, SipReceiver, SipTransports, SocketAddress } from './flow.ts'
import { isWildcard, LocalAddresses } from './local-address.ts'
import type { ConnectionLimits } from './stream-connection.ts'
import { StreamTransport, type TlsFiles } from './stream-transport.ts'
import type { Timers } from './timers.ts'
import { type FindLocal, UdpTransport } from './udp-transport.ts'

/** What the transports need. */
export interface TransportsOptions {
  readonly listen: readonly SipListenAddress[]
  /** Needed when `listen` has tls. */
  readonly tls: TlsFiles | undefined
  /** Host that peers reach us at, when it is not the local address (behind NAT). */
  readonly advertisedHost: string | undefined
  readonly bounds: ConnectionBounds
  readonly limits: ConnectionLimits
  readonly timers: Timers
}

/** A listener as it is bound. */
export interface BoundAddress extends SocketAddress {
  readonly transport: SipListenAddress['transport']
}

/** All listeners of a server, UDP, TCP and TLS (RFC 3261 §18). */
export class Transports implements SipTransports {
  readonly #options: TransportsOptions
  readonly #receiver: SipReceiver
  readonly #localAddresses = new LocalAddresses()
  readonly #table: ConnectionTable<Socket>
  readonly #udp: UdpTransport[] = []
  readonly #streams: StreamTransport[] = []

  constructor(options: TransportsOptions, receiver: SipReceiver) {
    this.#options = options
    this.#receiver = receiver
    this.#table = new ConnectionTable(options.bounds)
  }

  /** Opens every listener, or none: rejects with LISTEN_FAILED. */
  async open(): Promise<readonly BoundAddress[]> {
    const bound: BoundAddress[] = []
    for (const listen of this.#options.listen) {
      try {
        bound.push({ transport: listen.transport, ...(await this.#openOne(listen)) })
      } catch (cause) {
        await this.close()
        throw cannotListen(listen, cause)
      }
    }
    return bound
  }

  async connect(protocol: SipProtocol, remote: SocketAddress): Promise<SipFlow> {
    if (protocol === 'UDP') {
      const transport = this.#udp.find(({ family }) => family === (isIPv6(remote.address) ? 6 : 4))
      if (!transport) throw noTransport(protocol)
      return transport.flowTo(remote)
    }
    const transport = this.#streams.find((each) => each.protocol === protocol)
    if (!transport) throw noTransport(protocol)
    return await transport.connect(remote)
  }

  /** Takes another certificate into service for new TLS connections. */
  setCertificate(tls: TlsFiles): void {
    for (const transport of this.#streams) transport.setCertificate(tls)
  }

  async close(): Promise<void> {
    const open = [...this.#udp.splice(0), ...this.#streams.splice(0)]
    await Promise.all(open.map((transport) => transport.close()))
  }

  async #openOne({ transport, host, port }: SipListenAddress): Promise<SocketAddress> {
    const { address, family } = await lookup(host)
    if (transport === 'udp') {
      const udp = new UdpTransport(family === 6 ? 6 : 4, this.#receiver, this.#findLocal)
      this.#udp.push(udp)
      return await udp.open(address, port)
    }
    const { timers, limits, tls } = this.#options
    const parts = { table: this.#table, receiver: this.#receiver, timers, limits, findLocal: this.#findLocal }
    const stream = new StreamTransport({ ...parts, tls: transport === 'tls' ? tls : undefined })
    this.#streams.push(stream)
    return await stream.open(address, port)
  }

  readonly #findLocal: FindLocal = async (listening, remote) => {
    const { address: own, port } = listening
    const address = isWildcard(own) ? await this.#localAddresses.find(remote.address) : own
    return { address, port, host: this.#options.advertisedHost ?? address }
  }
}

const cannotListen = ({ transport, host, port }: SipListenAddress, cause: unknown): PoulsenError => {
  const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
  const why = inUse ? 'is already in use' : `cannot be listened on: ${cause instanceof Error ? cause.message : cause}`
  return new PoulsenError({
    code: 'LISTEN_FAILED',
    kind: 'unavailable',
    message: `POULSEN_SIP_LISTEN ${transport}:${host.includes(':') ? `[${host}]` : host}:${port} ${why}.`,
    hint: 'Choose other addresses or ports, or `none` to take no calls.',
    cause,
  })
}

const noTransport = (protocol: SipProtocol): PoulsenError =>
  new PoulsenError({
    code: 'SIP_UNREACHABLE',
    kind: 'unavailable',
    message: `Nothing listens for SIP over ${protocol} of that address family.`,
  })
