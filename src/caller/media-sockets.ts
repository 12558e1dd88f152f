import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { PoulsenError } from '../domain/errors.ts'

/** Where one stream is sent from: RTP on an even port, RTCP on the next (RFC 3550 §11), or both on one (RFC 5761). */
export interface MediaSockets {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly rtp: Socket
  /** The same socket as `rtp` when multiplexed. */
  readonly rtcp: Socket
  close(): void
}

const ATTEMPTS_MAX = 50
/** Big enough that a burst of many streams on one socket does not wait. */
const SEND_BUFFER_BYTES = 1 << 20

/** Binds the sockets of one stream to ports that are free. Rejects with CALL_SOCKETS. */
export const openMediaSockets = async (address: string, isMultiplexed: boolean): Promise<MediaSockets> => {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const rtp = await bind(address, 0)
    const rtpPort = rtp.address().port
    if (isMultiplexed) return socketsOf(address, rtp, rtp)
    const rtcp = rtpPort % 2 === 0 ? await bind(address, rtpPort + 1).catch(() => undefined) : undefined
    if (rtcp) return socketsOf(address, rtp, rtcp)
    rtp.close()
  }
  throw failed(address)
}

const failed = (address: string, cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CALL_SOCKETS',
    kind: 'unavailable',
    message: `No ports for a call's media could be opened on ${address}.`,
    hint: 'Is the address one of this machine? Does the process have enough file descriptors?',
    ...(cause !== undefined && { cause }),
  })

const bind = async (address: string, port: number): Promise<Socket> => {
  const family = address.includes(':') ? 6 : 4
  // Addresses are numbers already: nothing is looked up, now or for any packet.
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    lookup: (host, _options, found) => found(null, host, family),
  })
  try {
    const listening = once(socket, 'listening')
    socket.bind({ address, port, exclusive: true })
    await listening
    socket.setSendBufferSize(SEND_BUFFER_BYTES)
    return socket
  } catch (error) {
    socket.close()
    throw failed(address, error)
  }
}

const socketsOf = (address: string, rtp: Socket, rtcp: Socket): MediaSockets => ({
  address,
  rtp,
  rtcp,
  rtpPort: rtp.address().port,
  rtcpPort: rtcp.address().port,
  close: () => {
    rtp.close()
    if (rtcp !== rtp) rtcp.close()
  },
})
