import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wavHeaderBytes } from '../../src/audio/containers/wav-writer.ts'
import { formatRtp } from '../../src/audio/rtp/packet.ts'
import type { CallRequest, MediaPorts } from '../../src/capture/call-recorder.ts'
import type { CapturePool } from '../../src/capture/capture-pool.ts'
import { aCaptureBench } from '../builders/capture-pool.ts'
import { waitFor } from '../support/wait-for.ts'

const PACKET_TICKS = 160
const bench = await aCaptureBench()
const { folder, project, settled, troubles, catalogue, openPool, bytesOf } = bench
let pool: CapturePool

beforeAll(async () => {
  pool = await openPool()
})

afterAll(async () => {
  await pool.close()
  await bench.close()
})

const aCall = (): CallRequest => ({
  project,
  leg: { type: 'sip', id: randomUUID() },
  track: 'inbound',
  callId: 'call@test',
  from: '<sip:a@test>',
  to: '<sip:b@test>',
  startedAtMs: Date.now(),
  streams: [
    {
      format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 },
      eventTypes: [101],
      comfortNoiseTypes: [13],
      remote: { address: '127.0.0.1', rtpPort: 9, rtcpPort: 9 },
      isRtcpMultiplexed: false,
      isHeld: false,
    },
  ],
})

/** Sends packets n to n + count - 1 of a stream whose payload says which packet it is. */
const sendPackets = async (to: MediaPorts, count: number, from = 0): Promise<Buffer> => {
  const socket = createSocket('udp4')
  const payloads: Buffer[] = []
  for (let n = from; n < from + count; n += 1) {
    const payload = Buffer.alloc(PACKET_TICKS, n % 250)
    payloads.push(payload)
    const packet = formatRtp(
      { payloadType: 0, marker: n === 0, sequence: n, timestamp: n * PACKET_TICKS, ssrc: 7 },
      payload,
    )
    await new Promise<void>((resolve) => socket.send(packet, to.rtpPort, to.address, () => resolve()))
  }
  socket.close()
  return Buffer.concat(payloads)
}

describe('CapturePool', () => {
  it('records a call: its row from the answer on, its bytes while it runs, both final when it ends', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 1 })
    const [ports] = reservation.ports as [MediaPorts]
    const call = await reservation.begin(aCall())
    const begun = await catalogue.findRecording(project.id, call.recordingId)
    expect(begun).toMatchObject({
      status: 'recording',
      track: 'inbound',
      durationMs: 0,
      media: { format: 'wav', codec: 'pcm_mulaw' },
    })
    expect(begun?.media?.byteSize).toBeUndefined()
    const sent = await sendPackets(ports, 200)
    const live = await waitFor(async () => {
      const open = await pool.open(call.recordingId)
      return open && open.byteSize > wavHeaderBytes('pcm_mulaw') ? open : undefined
    })
    const heard: Buffer[] = []
    for await (const chunk of await live.read({ startBytes: 0, endBytes: live.byteSize }))
      heard.push(Buffer.from(chunk))
    const wav = Buffer.concat(heard)
    expect(wav.length).toBe(live.byteSize)
    expect(wav.readUInt32LE(wavHeaderBytes('pcm_mulaw') - 4)).toBe(live.byteSize - wavHeaderBytes('pcm_mulaw'))
    expect(sent.subarray(0, wav.length - wavHeaderBytes('pcm_mulaw'))).toEqual(
      wav.subarray(wavHeaderBytes('pcm_mulaw')),
    )
    await call.end('hangup')
    expect(await call.ended).toBe('hangup')
    const final = await catalogue.findRecording(project.id, call.recordingId)
    expect(final).toMatchObject({ status: 'completed', durationMs: 4000, price: 0.5 })
    expect(final?.errorCode).toBeUndefined()
    const bytes = await bytesOf(final?.media?.key ?? '')
    expect(bytes.length).toBe(final?.media?.byteSize)
    expect(bytes.subarray(wavHeaderBytes('pcm_mulaw'))).toEqual(sent)
    expect(await catalogue.findCallDetails(project.id, call.recordingId)).toMatchObject({
      endReason: 'hangup',
      gaps: [],
      streams: [{ codec: 'PCMU', packets: 200, lost: 0, strangers: 0 }],
    })
    expect(settled.map(({ id }) => id)).toContain(call.recordingId)
    expect(await pool.open(call.recordingId)).toBeUndefined()
    expect(readdirSync(join(folder, 'capture', 'recordings'))).toEqual([])
    expect(troubles).toEqual([])
  })

  it('ends a call without any audio as no_input', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 1 })
    const call = await reservation.begin(aCall())
    await call.end('hangup')
    const final = await catalogue.findRecording(project.id, call.recordingId)
    expect(final?.status).toBe('no_input')
    expect(final?.media).toBeUndefined()
    expect(readdirSync(join(folder, 'capture', 'recordings'))).toEqual([])
  })

  it('throws away what was deleted in mid-call', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 1 })
    const [ports] = reservation.ports as [MediaPorts]
    const call = await reservation.begin(aCall())
    await sendPackets(ports, 50)
    await catalogue.deleteRecording(project.id, call.recordingId)
    await pool.discard(call.recordingId)
    expect(await call.ended).toBe('deleted')
    expect(await catalogue.findRecording(project.id, call.recordingId)).toBeUndefined()
    expect(readdirSync(join(folder, 'capture', 'recordings'))).toEqual([])
  })

  it('refuses more calls than it may have, and has room again when one is released', async () => {
    const held = await Promise.all(Array.from({ length: 10 }, () => pool.reserve({ family: 4, streamCount: 1 })))
    const ports = held.flatMap((reservation) => reservation.ports.map(({ rtpPort }) => rtpPort))
    expect(new Set(ports).size).toBe(10)
    expect(ports.every((port) => port % 2 === 0)).toBe(true)
    await expect(pool.reserve({ family: 4, streamCount: 1 })).rejects.toMatchObject({
      code: 'CAPTURE_BUSY',
      retryable: true,
    })
    held[0]?.release()
    const next = await pool.reserve({ family: 4, streamCount: 1 })
    next.release()
    for (const reservation of held.slice(1)) reservation.release()
  })

  it('ends what runs when it closes, and is refused afterwards', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 1 })
    const [ports] = reservation.ports as [MediaPorts]
    const call = await reservation.begin(aCall())
    await sendPackets(ports, 50)
    await waitFor(
      async () => ((await pool.open(call.recordingId))?.byteSize ?? 0) > wavHeaderBytes('pcm_mulaw') || undefined,
    )
    await pool.close()
    expect(await call.ended).toBe('shutdown')
    expect(await catalogue.findRecording(project.id, call.recordingId)).toMatchObject({
      status: 'completed',
      errorCode: 'shutdown',
      durationMs: 1000,
    })
    await expect(pool.reserve({ family: 4, streamCount: 1 })).rejects.toMatchObject({ code: 'CAPTURE_STOPPING' })
    expect(readdirSync(join(folder, 'capture', 'journal'))).toEqual([])
  })

  it('ends a call that brings nothing any more', async () => {
    const impatient = await openPool({ mediaTimeoutMs: 300 })
    const reservation = await impatient.reserve({ family: 4, streamCount: 1 })
    const [ports] = reservation.ports as [MediaPorts]
    const call = await reservation.begin(aCall())
    await sendPackets(ports, 10)
    expect(await call.ended).toBe('media_timeout')
    await waitFor(async () => {
      const row = await catalogue.findRecording(project.id, call.recordingId)
      return row?.status === 'completed' ? row : undefined
    })
    const row = await catalogue.findRecording(project.id, call.recordingId)
    expect(row).toMatchObject({ errorCode: 'media_timeout', durationMs: 200 })
    await impatient.close()
  })

  it('replaces a worker that dies, ends its calls, and recovers what they had', async () => {
    const mortal = await openPool({ entry: new URL('../fakes/mortal-capture-worker.ts', import.meta.url) })
    const reservation = await mortal.reserve({ family: 4, streamCount: 1 })
    const [ports] = reservation.ports as [MediaPorts]
    const call = await reservation.begin(aCall())
    const sent = await sendPackets(ports, 100)
    await waitFor(
      async () => ((await mortal.open(call.recordingId))?.byteSize ?? 0) > wavHeaderBytes('pcm_mulaw') || undefined,
    )
    troubles.length = 0
    writeFileSync(join(folder, 'capture', 'die'), '')
    expect(await call.ended).toBe('internal')
    await call.end('hangup')
    const final = await catalogue.findRecording(project.id, call.recordingId)
    expect(final).toMatchObject({ status: 'completed', errorCode: 'recovered', durationMs: 2000 })
    expect((await bytesOf(final?.media?.key ?? '')).subarray(wavHeaderBytes('pcm_mulaw'))).toEqual(sent)
    expect(String(troubles[0])).toContain('told to die')
    const next = await mortal.reserve({ family: 4, streamCount: 1 })
    next.release()
    await mortal.close()
    expect(readdirSync(join(folder, 'capture', 'journal'))).toEqual([])
  })
})
