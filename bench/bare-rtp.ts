import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

// The least that a recorder can do: a socket and a file a stream, the header parsed, payloads appended once a second. No jitter, no journal, no fsync.

const streams = Number(process.env.STREAMS)
const folder = process.env.FOLDER ?? '.'
const HEADER_BYTES = 12
let packets = 0
/** How late a timer came at worst. */
let lagMs = 0
const TICK_MS = 100
let lastMs = performance.now()
setInterval(() => {
  lagMs = Math.max(lagMs, performance.now() - lastMs - TICK_MS)
  lastMs = performance.now()
}, TICK_MS)

const ports: number[] = []
for (let stream = 0; stream < streams; stream += 1) {
  const socket = createSocket('udp4')
  const file = await open(join(folder, `${stream}.raw`), 'w')
  let parts: Buffer[] = []
  let highest = -1
  socket.on('message', (bytes) => {
    if (bytes.length < HEADER_BYTES || (bytes[0] as number) >> 6 !== 2) return
    highest = Math.max(highest, bytes.readUInt16BE(2))
    parts.push(bytes.subarray(HEADER_BYTES + 4 * ((bytes[0] as number) & 15)))
    packets += 1
  })
  setInterval(() => {
    const taken = parts
    parts = []
    if (taken.length > 0) void file.writev(taken)
  }, 1000)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  ports.push(socket.address().port)
}
process.on('message', () => process.send?.({ packets, lagMs }))
process.send?.(ports)
