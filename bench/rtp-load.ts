import { createSocket } from 'node:dgram'
import type { SrtpKey } from '../src/audio/srtp/srtp-key.ts'
import { SrtpSender } from '../src/audio/srtp/srtp-sender.ts'

// Sends G.711 or Opus packets to many ports, fifty a second each, evenly spread over time, secured when there are keys. Told what to send by its parent; tells
// what it has sent.

interface Order {
  readonly ports: readonly number[]
  readonly seconds: number
  readonly payloadBytes: number
  readonly payloadType: number
  readonly ticks: number
  /** One a port, in its order. */
  readonly keys?: readonly SrtpKey[]
}

const SOCKETS = 8
const PACKET_MS = 20
const TURN_MS = 2
const HEADER_BYTES = 12
/** An Opus table of contents byte of one 20 ms frame; as G.711 a sample like any other. */
const FIRST_BYTE = 0x78

const send = ({ ports, seconds, payloadBytes, payloadType, ticks, keys = [] }: Order): Promise<number> => {
  const senders = keys.map((key) => new SrtpSender(key))
  const sockets = Array.from({ length: SOCKETS }, () => createSocket('udp4'))
  const heads = ports.map((_, index) => {
    const packet = Buffer.alloc(HEADER_BYTES + payloadBytes, 0x55)
    packet[0] = 0x80
    packet[1] = payloadType
    packet[HEADER_BYTES] = FIRST_BYTE
    packet.writeUInt32BE(index + 1, 8)
    return packet
  })
  const sent = new Int32Array(ports.length)
  const total = (seconds * 1000) / PACKET_MS
  const begunMs = performance.now()
  const sendDue = (): void => {
    const nowMs = performance.now() - begunMs
    for (const [index, port] of ports.entries()) {
      const due = Math.min(total, Math.floor((nowMs - (index * PACKET_MS) / ports.length) / PACKET_MS) + 1)
      for (let sequence = sent[index] ?? 0; sequence < due; sequence += 1) {
        const packet = Buffer.from(heads[index] as Buffer)
        packet.writeUInt16BE(sequence & 0xffff, 2)
        packet.writeUInt32BE((sequence * ticks) >>> 0, 4)
        sockets[index % SOCKETS]?.send(senders[index]?.sealRtp(packet) ?? packet, port, '127.0.0.1')
        sent[index] = sequence + 1
      }
    }
  }
  return new Promise((resolve) => {
    const turn = () => {
      sendDue()
      if (performance.now() - begunMs < seconds * 1000 + PACKET_MS) setTimeout(turn, TURN_MS)
      else setTimeout(finish, PACKET_MS)
    }
    const finish = () => {
      for (const socket of sockets) socket.close()
      resolve(sent.reduce((sum, count) => sum + count, 0))
    }
    turn()
  })
}

process.on('message', async (order: Order) => process.send?.(await send(order)))
