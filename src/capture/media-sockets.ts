import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { PoulsenError } from '../domain/errors.ts'
import type { MediaPorts } from './call-recorder.ts'
import type { PortRange } from './port-range.ts'

/** Two UDP sockets of one media stream: RTP on an even port, RTCP on the next (RFC 3550 §11). */
export interface MediaSockets {
  readonly ports: MediaPorts
  readonly rtp: Socket
  readonly rtcp: Socket
  close(): void
}

/** Pairs that are tried before the range counts as used up. */
const TRIES_MAX = 200
/** What waits while a worker is busy elsewhere; memory is taken only when it does. The system may allow less. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024

/** Opens a pair on a free place of the range. Rejects with CAPTURE_BUSY when there is none, CAPTURE_ADDRESS when the address is not this machine's. */
export const openMediaSockets = async (range: PortRange, address: string, family: 4 | 6): Promise<MediaSockets> => {
  for (let tries = Math.min(TRIES_MAX, range.pairs); tries > 0; tries -= 1) {
    const rtpPort = range.next()
    const rtp = await bind(address, family, rtpPort)
    const rtcp = rtp && (await bind(address, family, rtpPort + 1))
    if (rtp && rtcp) return pair(address, rtp, rtcp, rtpPort)
    rtp?.close()
  }
  throw new PoulsenError({
    code: 'CAPTURE_BUSY',
    kind: 'unavailable',
    message: 'No media port is free.',
    hint: 'Widen POULSEN_RTP_PORTS: every call needs two ports.',
  })
}

const pair = (address: string, rtp: Socket, rtcp: Socket, rtpPort: number): MediaSockets => ({
  ports: { address, rtpPort, rtcpPort: rtpPort + 1 },
  rtp,
  rtcp,
  close: () => {
    rtp.close()
    rtcp.close()
  },
})

/** A bound socket, or undefined when the port is taken. An error later (an ICMP answer to a report) concerns nobody. */
const bind = async (address: string, family: 4 | 6, port: number): Promise<Socket | undefined> => {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  })
  try {
    socket.bind({ address, port, exclusive: true })
    await once(socket, 'listening')
    socket.on('error', () => {})
    return socket
  } catch (error) {
    socket.close()
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw cannotBind(address, error)
  }
}

const cannotBind = (address: string, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CAPTURE_ADDRESS',
    kind: 'unavailable',
    message: `Media cannot be received on ${address}: ${cause instanceof Error ? cause.message : cause}.`,
    hint: 'Set POULSEN_RTP_HOST to an address of this machine.',
    cause,
  })
