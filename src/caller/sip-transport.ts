import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { PoulsenError } from '../domain/errors.ts'
import type { SipMessage } from '../protocol/sip/message.ts'
import { formatMessage, MessageSplitter, parseDatagram } from './sip-wire.ts'
import { type CallTarget, isLoopback } from './target.ts'

/** The way to one server: many calls share it. */
export interface SipTransport {
  /** UDP loses messages, so that they are repeated. */
  readonly isReliable: boolean
  readonly localAddress: string
  readonly localPort: number
  send(message: SipMessage): void
  close(): void
}

/** Who hears of what comes. */
export interface TransportListener {
  received(message: SipMessage): void
  /** Something came that is no SIP message; a strict caller counts it. */
  garbled(reason: string): void
  /** The connection is gone; called at most once, and never after {@link SipTransport.close}. */
  lost(reason: string): void
}

/** How to get there. */
export interface TransportOptions {
  readonly target: Pick<CallTarget, 'address' | 'port' | 'transport'>
  /** The address to send from; loopback for a target on loopback, else the system's choice. */
  readonly localAddress?: string
  /** TLS: PEM of the authorities that may have signed the server's certificate. Absent: it is not checked on loopback, and checked elsewhere. */
  readonly certificateAuthority?: string
  /** Loses what it answers true to, in tests of retransmission. */
  readonly loses?: (message: SipMessage, direction: 'out' | 'in') => boolean
}

const CONNECT_DEADLINE_MS = 5000
/** Bytes that wait for a server that does not read; a caller with more to say has lost it. */
const UNSENT_MAX_BYTES = 1 << 20
const RECEIVE_BUFFER_BYTES = 1 << 20

/** Opens a way to a SIP server. Rejects with CALL_UNREACHABLE. */
export const openSipTransport = async (
  options: TransportOptions,
  listener: TransportListener,
): Promise<SipTransport> => {
  try {
    return options.target.transport === 'udp' ? await openUdp(options, listener) : await openStream(options, listener)
  } catch (cause) {
    throw unreachable(options.target, cause)
  }
}

const unreachable = ({ address, port, transport }: TransportOptions['target'], cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CALL_UNREACHABLE',
    kind: 'unavailable',
    message: `No ${transport} connection to ${address} port ${port}.`,
    hint: 'Does the server run, and does SIP_LISTEN name this address?',
    cause,
  })

const localFor = ({ target, localAddress }: TransportOptions): string | undefined =>
  localAddress ?? (isLoopback(target.address) ? target.address : undefined)

const openUdp = async (options: TransportOptions, listener: TransportListener): Promise<SipTransport> => {
  const { address, port } = options.target
  const socket: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const bound = once(socket, 'listening', { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) })
  try {
    const localAddress = localFor(options)
    socket.bind({ port: 0, ...(localAddress !== undefined && { address: localAddress }) })
    await bound
  } catch (error) {
    socket.close()
    throw error
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  // A server that is gone shows as time-outs; an error here is of one datagram only.
  socket.on('error', () => {})
  socket.on('message', (bytes: Uint8Array) => {
    const message = parseDatagram(bytes)
    if (message.kind === 'garbled') listener.garbled(message.reason)
    else if (!options.loses?.(message, 'in')) listener.received(message)
  })
  return {
    isReliable: false,
    localAddress: socket.address().address,
    localPort: socket.address().port,
    send: (message) => {
      if (!options.loses?.(message, 'out')) socket.send(formatMessage(message), port, address)
    },
    close: () => socket.close(),
  }
}

const openStream = async (options: TransportOptions, listener: TransportListener): Promise<SipTransport> => {
  const socket = await connect(options)
  const splitter = new MessageSplitter()
  let isClosed = false
  const lose = (reason: string) => {
    if (isClosed) return
    isClosed = true
    socket.destroy()
    listener.lost(reason)
  }
  socket.on('data', (chunk: Uint8Array) => {
    for (const message of splitter.append(chunk)) {
      if (message.kind === 'garbled') {
        listener.garbled(message.reason)
        lose(`The server sent no SIP: ${message.reason}`)
      } else if (!options.loses?.(message, 'in')) listener.received(message)
    }
  })
  socket.on('error', ({ message }) => lose(message))
  socket.on('close', () => lose('The server closed the connection.'))
  return {
    isReliable: true,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    send: (message) => {
      if (isClosed || options.loses?.(message, 'out')) return
      socket.write(formatMessage(message))
      if (socket.writableLength > UNSENT_MAX_BYTES) lose('The server does not read.')
    },
    close: () => {
      isClosed = true
      socket.destroy()
    },
  }
}

const connect = async (options: TransportOptions): Promise<TcpSocket> => {
  const { address, port, transport } = options.target
  const localAddress = localFor(options)
  const where = { host: address, port, ...(localAddress !== undefined && { localAddress }) }
  const { certificateAuthority } = options
  const socket =
    transport === 'tls'
      ? connectTls({
          ...where,
          // Who names the authority means this server's own certificate, which need not name the address.
          ...(certificateAuthority !== undefined && { ca: certificateAuthority, checkServerIdentity: () => undefined }),
          rejectUnauthorized: certificateAuthority !== undefined || !isLoopback(address),
        })
      : connectTcp(where)
  try {
    const ready = transport === 'tls' ? 'secureConnect' : 'connect'
    await once(socket, ready, { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) })
    socket.setNoDelay(true)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}
