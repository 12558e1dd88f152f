import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** 0 to 1, from a seed. */
export type Random = () => number

/** Datagrams of one attacker: so many every time, from one address. */
export interface DatagramAttack {
  readonly from: string
  readonly port: number
  /** When to stop. */
  readonly until: Promise<unknown>
  readonly perBurst: number
  /** The datagram of this number. */
  readonly datagram: (index: number) => Uint8Array
}

const BURST_EVERY_MS = 10
const LOOPBACK = '127.0.0.1'

export const openAttacker = async (address: string): Promise<UdpSocket> => {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, found) => found(null, host, 4) })
  // What comes back is nothing to an attacker.
  socket.on('error', () => {})
  const listening = once(socket, 'listening')
  socket.bind(0, address)
  await listening
  return socket
}

/** Sends bursts until it is told to stop; how many datagrams went out. */
export const floodDatagrams = async (attack: DatagramAttack): Promise<number> => {
  const { from, port, until, perBurst, datagram } = attack
  const socket = await openAttacker(from)
  let isOver = false
  void until.finally(() => {
    isOver = true
  })
  let sent = 0
  while (!isOver) {
    for (let count = 0; count < perBurst; count += 1, sent += 1) socket.send(datagram(sent), port, LOOPBACK)
    await delay(BURST_EVERY_MS)
  }
  await new Promise<void>((resolve) => socket.close(resolve))
  return sent
}

/** An RTP packet of the attacker's own making (RFC 3550 §5.1). */
export const rtpPacket = (ssrc: number, sequence: number, payload: Uint8Array, payloadType = 0): Buffer => {
  const packet = Buffer.alloc(12 + payload.length)
  packet[0] = 0x80
  packet[1] = payloadType
  packet.writeUInt16BE(sequence & 0xffff, 2)
  packet.writeUInt32BE((sequence * 160) >>> 0, 4)
  packet.writeUInt32BE(ssrc >>> 0, 8)
  packet.set(payload, 12)
  return packet
}

/** Flips bytes, cuts, repeats: what comes out may be anything. */
export const mutate = (bytes: Uint8Array, random: Random): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  const at = () => Math.floor(random() * copy.length)
  for (let count = Math.floor(random() * 8); count >= 0; count -= 1) copy[at()] = Math.floor(random() * 256)
  const kind = random()
  if (kind < 0.25) return copy.subarray(0, at())
  if (kind < 0.4) return Buffer.concat([copy.subarray(0, at()), copy.subarray(at())])
  return copy
}

/** RTP whose lengths lie: more contributing sources, extension or padding than there are bytes. */
export const lyingRtp = (ssrc: number, random: Random): Uint8Array => {
  const packet = rtpPacket(ssrc, Math.floor(random() * 65_536), new Uint8Array(Math.floor(random() * 40)))
  const kind = Math.floor(random() * 4)
  if (kind === 0) packet[0] = 0x8f
  if (kind === 1) {
    packet[0] = 0x90
    if (packet.length >= 16) packet.writeUInt16BE(0xffff, 14)
  }
  if (kind === 2) {
    packet[0] = 0xa0
    packet[packet.length - 1] = 0xff
  }
  return kind === 3 ? packet.subarray(0, Math.floor(random() * 12)) : packet
}

/** RTCP that speaks for somebody else: reports with lying lengths, and goodbyes (RFC 3550 §6.6) in the name of an SSRC. */
export const lyingRtcp = (ssrc: number, random: Random): Uint8Array => {
  const packet = Buffer.alloc(8 + 4 * Math.floor(random() * 10))
  packet[0] = 0x80 | Math.floor(random() * 32)
  packet[1] = 200 + Math.floor(random() * 6)
  packet.writeUInt16BE(Math.floor(random() * 65_536), 2)
  packet.writeUInt32BE(ssrc >>> 0, 4)
  if (random() < 0.5) return packet
  const bye = Buffer.alloc(8)
  bye.set([0x81, 203, 0, 1])
  bye.writeUInt32BE(ssrc >>> 0, 4)
  return bye
}

/** What a connection of an attacker does: it is closed when this returns. */
export type Misdeed = (socket: Socket, isOver: () => boolean) => Promise<void>

/** Opens connections, does the same on each and keeps them until it is told to stop. How many were cut by the server. */
export const misuseConnections = async (attack: {
  readonly from: string
  readonly port: number
  readonly count: number
  readonly until: Promise<unknown>
  readonly misdeed: Misdeed
}): Promise<number> => {
  let isOver = false
  void attack.until.finally(() => {
    isOver = true
  })
  let cut = 0
  const one = async () => {
    const socket = connect({ host: LOOPBACK, port: attack.port, localAddress: attack.from })
    socket.on('error', () => {})
    socket.on('close', () => {
      cut += isOver ? 0 : 1
    })
    // An answer that nobody reads would keep the end of the connection from being seen.
    socket.resume()
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})
    await attack.misdeed(socket, () => isOver || socket.destroyed)
    while (!isOver && !socket.destroyed) await delay(20)
    socket.destroy()
  }
  await Promise.all(Array.from({ length: attack.count }, one))
  return cut
}

/** A byte now and then. */
export const slowly =
  (text: string, everyMs = 50): Misdeed =>
  async (socket, isOver) => {
    for (let index = 0; index < text.length && !isOver(); index += 1) {
      socket.write(text[index] ?? '')
      await delay(everyMs)
    }
  }

/** All at once, whether it is read or not. */
export const atOnce =
  (bytes: string | Uint8Array): Misdeed =>
  async (socket) => {
    socket.write(bytes)
  }
