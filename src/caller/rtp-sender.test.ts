import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRtpHeader, parseRtp } from '../audio/rtp/packet.ts'
import { type FrameSource, loopedFrames } from './frame-source.ts'
import type { Impairments } from './impairment.ts'
import { type MediaSockets, openMediaSockets } from './media-sockets.ts'
import { type Paced, Pacer } from './pacer.ts'
import { PacketStream } from './packet-stream.ts'
import { RtpSender } from './rtp-sender.ts'

const LOOPBACK = '127.0.0.1'

interface Received {
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: number
  readonly atMs: number
  readonly port: number
}

/** Everything that comes to a port, parsed. */
const openSink = async () => {
  const socket = createSocket('udp4')
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  socket.setRecvBufferSize(1 << 20)
  const received: Received[] = []
  const header = makeRtpHeader()
  socket.on('message', (bytes: Uint8Array, { port }: RemoteInfo) => {
    const refusal = parseRtp(bytes, header)
    if (refusal !== undefined) throw new Error(refusal)
    const { sequence, timestamp, ssrc, payloadOffset } = header
    received.push({ sequence, timestamp, ssrc, payload: bytes[payloadOffset] ?? -1, atMs: performance.now(), port })
  })
  return { socket, received, remote: remoteOf(socket) }
}

const remoteOf = (socket: Socket) => {
  const { port } = socket.address()
  return { address: LOOPBACK, rtpPort: port, rtcpPort: port }
}

/** Payloads that say which frame they are. */
const numbered: FrameSource = { frame: (index) => Uint8Array.of(index & 255), free: () => {} }

/** Waits until it is so; rejects when it is not in time. */
const until = async (isSo: () => boolean): Promise<void> => {
  for (const deadlineMs = performance.now() + 10_000; !isSo(); ) {
    if (performance.now() > deadlineMs) throw new Error('It never came to be.')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

let sink: Awaited<ReturnType<typeof openSink>>
let sockets: MediaSockets
const pacer = new Pacer()

beforeEach(async () => {
  sink = await openSink()
  sockets = await openMediaSockets(LOOPBACK, true)
})

afterEach(() => {
  sink.socket.close()
  sockets.close()
})

const senderOf = (
  frameCount: number,
  parts: { impairments?: Impairments; speed?: number; seed?: number; frames?: FrameSource } = {},
) =>
  new RtpSender({
    pacer,
    sockets,
    packets: new PacketStream({ frameMs: 20, frameTicks: 160, frameCount }, parts.impairments, parts.seed),
    frames: parts.frames ?? numbered,
    payloadType: 8,
    remote: sink.remote,
    ...(parts.speed !== undefined && { speed: parts.speed }),
  })

describe('an RTP sender', () => {
  it('sends every packet at its time, never before', async () => {
    const sender = senderOf(25, { impairments: { firstSequence: 65_530 } })
    const startedAtMs = performance.now()
    sender.start()
    await sender.done
    await until(() => sink.received.length === 25)
    for (const [index, packet] of sink.received.entries()) {
      expect(packet.sequence).toBe((65_530 + index) % 65_536)
      expect(packet.payload).toBe(index)
      expect(packet.atMs - startedAtMs).toBeGreaterThanOrEqual(index * 20)
    }
    expect(sender.report()).toMatchObject({ packets: 25, bytes: 25, failed: 0, truth: { sent: 25, durationMs: 500 } })
    expect(sender.report().lateMeanMs).toBeLessThan(20)
  })

  it('counts what encoding takes as lateness', async () => {
    const slow: FrameSource = {
      frame(index) {
        for (const untilMs = performance.now() + (index === 1 ? 30 : 0); performance.now() < untilMs; );
        return Uint8Array.of(index)
      },
      free: () => {},
    }
    const sender = senderOf(2, { frames: slow })
    sender.start()
    await sender.done
    expect(sender.report().lateMaxMs).toBeGreaterThanOrEqual(30)
  })

  it('sends faster than real time, impaired as its stream says', async () => {
    const impairments = { lossRatio: 0.1, reorderRatio: 0.2, reorderMs: 100, duplicateRatio: 0.1, duplicateMs: 50 }
    const sender = senderOf(1000, { impairments, speed: 50, seed: 9 })
    const expected = new PacketStream({ frameMs: 20, frameTicks: 160, frameCount: 1000 }, impairments, 9)
    sender.start()
    await sender.done
    const { packets, truth, firstSentAtMs = 0, lastSentAtMs = 0 } = sender.report()
    await until(() => sink.received.length === packets)
    expect(lastSentAtMs - firstSentAtMs).toBeGreaterThan(380)
    expect(packets).toBe(truth.sent + truth.duplicated)
    for (const packet of sink.received) {
      const { sequence, timestamp, ssrc, frame } = expected.next() ?? {}
      expect(packet).toMatchObject({ sequence, timestamp, ssrc, payload: (frame ?? 0) & 255 })
    }
    expect(truth).toEqual(expected.truth())
  })

  it('goes elsewhere when it is told to, and ends when it is told to', async () => {
    const other = await openSink()
    const sender = senderOf(100_000, { speed: 10 })
    sender.start()
    await until(() => sink.received.length > 10)
    sender.redirect(other.remote)
    await until(() => other.received.length > 10)
    sender.stop()
    await sender.done
    const { packets, truth } = sender.report()
    await until(() => sink.received.length + other.received.length === packets)
    expect(truth.durationMs).toBe(packets * 20)
    expect(other.received[0]?.sequence).toBe(((sink.received.at(-1)?.sequence ?? 0) + 1) % 65_536)
    other.socket.close()
  })

  it('keeps a hundred streams apart and on time with one timer', async () => {
    const senders = Array.from({ length: 100 }, (_, seed) => senderOf(25, { seed }))
    for (const sender of senders) sender.start()
    await Promise.all(senders.map(({ done }) => done))
    await until(() => sink.received.length === 2500)
    const bySsrc = Map.groupBy(sink.received, ({ ssrc }) => ssrc)
    expect(bySsrc.size).toBe(100)
    for (const packets of bySsrc.values()) {
      expect(packets.map(({ payload }) => payload)).toEqual(Array.from({ length: 25 }, (_, index) => index))
    }
    expect(pacer.count).toBe(0)
  })
})

it('does not wait for the end of a hold to stop', async () => {
  const sender = senderOf(100_000, { impairments: { holds: [{ fromMs: 60, toMs: 60_000, timestamps: 'go-on' }] } })
  sender.start()
  await until(() => sink.received.length === 3)
  sender.stop()
  await sender.done
  expect(sender.report().truth).toMatchObject({ sent: 3, gaps: [], durationMs: 60 })
})

describe('media sockets', () => {
  it('are an even port and the next, unless they are one', async () => {
    const pair = await openMediaSockets(LOOPBACK, false)
    expect(pair.rtpPort % 2).toBe(0)
    expect(pair.rtcpPort).toBe(pair.rtpPort + 1)
    pair.close()
    expect(sockets.rtcpPort).toBe(sockets.rtpPort)
  })

  it('say what is wrong with an address', async () => {
    await expect(openMediaSockets('192.0.2.1', true)).rejects.toMatchObject({ code: 'CALL_SOCKETS' })
  })
})

describe('the pacer', () => {
  it('runs things in order of time, however far ahead, and never early', async () => {
    const ran: number[] = []
    const finished = Promise.withResolvers<void>()
    const startedAtMs = pacer.nowMs()
    const delays = [700, 0.5, 30, 30, 600, 3, 1]
    for (const delayMs of delays) {
      let dueAtMs: number | undefined = startedAtMs + delayMs
      const paced: Paced = {
        get dueAtMs() {
          return dueAtMs
        },
        run(nowMs) {
          expect(nowMs - startedAtMs).toBeGreaterThanOrEqual(delayMs)
          ran.push(delayMs)
          dueAtMs = undefined
          if (ran.length === delays.length) finished.resolve()
        },
      }
      pacer.add(paced)
    }
    await finished.promise
    expect(ran).toEqual([...delays].sort((a, b) => a - b))
  })
})

it('looped frames repeat', () => {
  const looped = loopedFrames(numbered, 3)
  expect([0, 1, 2, 3, 7].map((index) => looped.frame(index)[0])).toEqual([0, 1, 2, 0, 1])
})
