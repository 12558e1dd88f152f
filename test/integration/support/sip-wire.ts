import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, TLSSocket, connect as tlsConnect } from 'node:tls'
import type { SipReceiver, SocketAddress } from '../../../src/edges/sip/flow.ts'
import { formatSipMessage } from '../../../src/protocol/sip/format-message.ts'
import { SipFramer } from '../../../src/protocol/sip/framer.ts'
import { parseSipMessage } from '../../../src/protocol/sip/parse-message.ts'
import { MemoryFlow, PeerCall } from '../../fakes/sip-peer.ts'

/** A caller's end on a real socket. */
export interface WireClient {
  /** A call over it; what comes back is in its flow. */
  aCall(): PeerCall
  /** Raw bytes, whatever they are. */
  write(bytes: string | Uint8Array): void
  /** Bytes that came over a connection, in all. */
  readonly receivedBytes: number
  /** The TLS session is one of an earlier connection. */
  readonly isResumed: boolean
  /** Resolves when the other side has ended the connection. */
  readonly ended: Promise<void>
  close(): void
}

/** A UDP socket on loopback. */
export const openUdp = async (target: SocketAddress, host = '127.0.0.1'): Promise<WireClient> => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  const flow = new MemoryFlow('UDP', { address: host, port: socket.address().port })
  socket.on('message', (bytes) => {
    const message = parseSipMessage(bytes)
    if (message.kind !== 'refusal') flow.sent.push(message)
  })
  const write = (bytes: string | Uint8Array) => socket.send(bytes, target.port, target.address)
  const idle = { receivedBytes: 0, isResumed: false, ended: Promise.resolve() }
  return { ...over(flow, write), ...idle, write, close: () => socket.close() }
}

/** A TCP connection, or TLS that takes any certificate; `options` of TLS may bring one of ours. */
export const openStream = async (
  protocol: 'TCP' | 'TLS',
  target: SocketAddress,
  options: ConnectionOptions & { readonly localAddress?: string } = {},
): Promise<WireClient> => {
  const where = { ...options, host: target.address, port: target.port }
  const socket: Socket = protocol === 'TCP' ? connect(where) : tlsConnect({ ...where, rejectUnauthorized: false })
  const ended = new Promise<void>((resolve) => socket.once('close', resolve))
  await once(socket, protocol === 'TCP' ? 'connect' : 'secureConnect')
  socket.on('error', () => {})
  const flow = new MemoryFlow(protocol, { address: socket.localAddress ?? '', port: socket.localPort ?? 0 })
  const framer = new SipFramer()
  let receivedBytes = 0
  socket.on('data', (chunk: Uint8Array) => {
    receivedBytes += chunk.length
    for (const frame of framer.append(chunk)) if (frame.kind === 'message') flow.sent.push(frame.message)
  })
  const write = (bytes: string | Uint8Array) => void socket.write(bytes)
  return {
    ...over(flow, write),
    write,
    ended,
    isResumed: socket instanceof TLSSocket && socket.isSessionReused(),
    get receivedBytes() {
      return receivedBytes
    },
    close: () => socket.destroy(),
  }
}

const over = (flow: MemoryFlow, write: (bytes: Uint8Array) => void) => {
  const receiver: SipReceiver = { received: (message) => write(formatSipMessage(message)), refused: () => {} }
  return { aCall: () => new PeerCall(receiver, flow) }
}
