import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Impairments } from './impairment.ts'
import { PacketStream, type TimedPacket } from './packet-stream.ts'

const FRAME_MS = 20
const FRAME_TICKS = 160

const streamOf = (frameCount: number, impairments: Impairments = {}, seed = 1): PacketStream =>
  new PacketStream({ frameMs: FRAME_MS, frameTicks: FRAME_TICKS, frameCount }, impairments, seed)

const packetsOf = (stream: PacketStream): readonly TimedPacket[] => {
  const packets: TimedPacket[] = []
  for (let packet = stream.next(); packet; packet = stream.next()) packets.push(packet)
  return packets
}

const impairments = fc.record(
  {
    lossRatio: fc.double({ min: 0, max: 0.5, noNaN: true }),
    lossBurstPackets: fc.integer({ min: 1, max: 10 }),
    reorderRatio: fc.double({ min: 0, max: 0.5, noNaN: true }),
    reorderMs: fc.integer({ min: 0, max: 300 }),
    jitterMs: fc.integer({ min: 0, max: 100 }),
    duplicateRatio: fc.double({ min: 0, max: 0.5, noNaN: true }),
    duplicateMs: fc.integer({ min: 0, max: 100 }),
    driftPpm: fc.integer({ min: -500, max: 500 }),
    ssrcChangesAtMs: fc
      .uniqueArray(fc.integer({ min: 100, max: 4000 }), { maxLength: 3 })
      .map((times) => times.sort((a, b) => a - b)),
    holds: fc
      .tuple(
        fc.integer({ min: 200, max: 1000 }),
        fc.integer({ min: 1, max: 1500 }),
        fc.constantFrom('go-on', 'stand-still'),
      )
      .map(([fromMs, lengthMs, timestamps]) => [
        { fromMs, toMs: fromMs + lengthMs, timestamps: timestamps as 'go-on' },
      ]),
  },
  { requiredKeys: [] },
)

describe('a stream that nothing happens to', () => {
  it('has a packet for each frame, at its time, with numbers that wrap', () => {
    const packets = packetsOf(streamOf(100, { firstSequence: 65_500, firstTimestamp: 2 ** 32 - 800 }))
    expect(packets).toHaveLength(100)
    for (const [index, packet] of packets.entries()) {
      expect(packet).toEqual({
        frame: index,
        sendAtMs: index * FRAME_MS,
        sampledAtMs: index * FRAME_MS,
        sequence: (65_500 + index) % 65_536,
        timestamp: (2 ** 32 - 800 + index * FRAME_TICKS) % 2 ** 32,
        ssrc: packets[0]?.ssrc,
        marker: index === 0,
      })
    }
  })
})

describe('any stream', () => {
  it('goes out in order of time, follows from its seed, and tells the truth', () => {
    fc.assert(
      fc.property(impairments, fc.nat(), (impairments, seed) => {
        const stream = streamOf(250, impairments, seed)
        const packets = packetsOf(stream)
        expect(packets).toEqual(packetsOf(streamOf(250, impairments, seed)))
        for (const [index, packet] of packets.entries()) {
          expect(packet.sendAtMs).toBeGreaterThanOrEqual(packets[index - 1]?.sendAtMs ?? 0)
        }
        const truth = stream.truth()
        const frames = new Set(packets.map(({ frame }) => frame))
        expect(truth.sent).toBe(frames.size)
        expect(truth.sent + truth.duplicated).toBe(packets.length)
        const last = Math.max(...frames)
        expect(truth.durationMs).toBe((last + 1) * FRAME_MS)
        const isGap = (frame: number) =>
          truth.gaps.some(
            ({ startMs, durationMs }) => frame * FRAME_MS >= startMs && frame * FRAME_MS < startMs + durationMs,
          )
        for (let frame = 0; frame <= last; frame += 1) expect(isGap(frame)).toBe(!frames.has(frame))
        for (const [index, { startMs }] of truth.gaps.entries()) {
          const before = truth.gaps[index - 1]
          if (before) expect(startMs).toBeGreaterThan(before.startMs + before.durationMs)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('has one packet for each sequence number of a source, and timestamps that fit the frames', () => {
    fc.assert(
      fc.property(impairments, fc.nat(), (impairments, seed) => {
        const packets = packetsOf(streamOf(250, impairments, seed))
        const bySsrc = Map.groupBy(packets, ({ ssrc }) => ssrc)
        const standsStill = impairments.holds?.some(({ timestamps }) => timestamps !== 'go-on')
        for (const ofOne of bySsrc.values()) {
          const first = ofOne.reduce((a, b) => (a.frame <= b.frame ? a : b))
          for (const packet of ofOne) {
            const frames = packet.frame - first.frame
            const ticks = (packet.timestamp - first.timestamp + 2 ** 32) % 2 ** 32
            const steps = (packet.sequence - first.sequence + 65_536) % 65_536
            if (!standsStill) expect(ticks).toBe(frames * FRAME_TICKS)
            else expect([frames * FRAME_TICKS, steps * FRAME_TICKS]).toContain(ticks)
            expect(steps).toBeLessThanOrEqual(frames)
          }
          const frameBySequence = new Map<number, number>()
          for (const { sequence, frame } of ofOne) {
            expect(frameBySequence.get(sequence) ?? frame).toBe(frame)
            frameBySequence.set(sequence, frame)
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('each impairment', () => {
  it.each([
    [0.01, 1],
    [0.05, 1],
    [0.2, 1],
    [0.05, 5],
    [0.2, 8],
  ])('loses a share of %f, %f in a row in the mean', (lossRatio, lossBurstPackets) => {
    const stream = streamOf(100_000, { lossRatio, lossBurstPackets }, 3)
    const { length } = packetsOf(stream)
    const { lost, gaps } = stream.truth()
    expect(length).toBe(100_000 - lost)
    expect(lost / 100_000).toBeGreaterThan(lossRatio * 0.85)
    expect(lost / 100_000).toBeLessThan(lossRatio * 1.15)
    const meanRun = lossBurstPackets === 1 ? 1 / (1 - lossRatio) : lossBurstPackets
    expect(lost / gaps.length).toBeGreaterThan(meanRun * 0.85)
    expect(lost / gaps.length).toBeLessThan(meanRun * 1.15)
  })

  it('drifts: a fast clock sends sooner, and the content is the same', () => {
    const last = packetsOf(streamOf(30_001, { driftPpm: 100 })).at(-1)
    expect(last?.frame).toBe(30_000)
    expect(last?.sendAtMs).toBeCloseTo(600_000 - 60, 1)
  })

  it('reorders by no more than it says, and jitter keeps the order', () => {
    const jittered = packetsOf(streamOf(1000, { jitterMs: 90 }, 5))
    expect(jittered.map(({ frame }) => frame)).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    expect(jittered.some(({ frame, sendAtMs }) => sendAtMs > frame * FRAME_MS + 60)).toBe(true)
    const stream = streamOf(1000, { reorderRatio: 0.3, reorderMs: 200 }, 5)
    const reordered = packetsOf(stream)
    for (const { frame, sendAtMs } of reordered) expect(sendAtMs - frame * FRAME_MS).toBeLessThan(200)
    const overtaken = reordered.filter(({ sequence, ssrc }, index) =>
      reordered
        .slice(Math.max(0, index - 15), index)
        .some((before) => before.ssrc === ssrc && ((before.sequence - sequence) << 16) >> 16 > 0),
    )
    expect(overtaken.length).toBeGreaterThan(100)
    expect(stream.truth().overtaken).toBeGreaterThanOrEqual(overtaken.length)
  })

  it.each(['go-on', 'stand-still'] as const)('holds; timestamps %s', (timestamps) => {
    const stream = streamOf(100, {
      holds: [{ fromMs: 500, toMs: 1000, timestamps }],
      firstTimestamp: 0,
      firstSequence: 0,
    })
    const packets = packetsOf(stream)
    expect(stream.truth()).toMatchObject({
      sent: 75,
      lost: 0,
      gaps: [{ startMs: 500, durationMs: 500 }],
      durationMs: 2000,
    })
    expect(packets[25]).toMatchObject({
      frame: 50,
      sendAtMs: 1000,
      sequence: 25,
      timestamp: (timestamps === 'go-on' ? 50 : 25) * FRAME_TICKS,
      marker: true,
    })
  })

  it('presses keys in place of audio (RFC 4733 §2.5.1)', () => {
    const presses = [
      { key: '5', atMs: 200, durationMs: 60 },
      { key: '#', atMs: 300, durationMs: 10 },
    ]
    const options = { frameMs: FRAME_MS, frameTicks: FRAME_TICKS, frameCount: 20, presses }
    const stream = new PacketStream(options, { firstSequence: 0, firstTimestamp: 0 })
    const packets = packetsOf(stream)
    expect(packets.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 24 }, (_, index) => index))
    const events = packets.filter(({ event }) => event)
    expect(events.map(({ frame, timestamp, marker, event }) => [frame, timestamp, marker, ...(event ?? [])])).toEqual([
      [10, 1600, true, 5, 10, 0, 160],
      [11, 1600, false, 5, 10, 1, 64],
      [12, 1600, false, 5, 138, 1, 224],
      [12, 1600, false, 5, 138, 1, 224],
      [12, 1600, false, 5, 138, 1, 224],
      [15, 2400, true, 11, 138, 0, 160],
      [15, 2400, false, 11, 138, 0, 160],
      [15, 2400, false, 11, 138, 0, 160],
    ])
    expect(stream.truth()).toMatchObject({
      sent: 16,
      events: 8,
      lost: 0,
      gaps: [
        { startMs: 200, durationMs: 60 },
        { startMs: 300, durationMs: 20 },
      ],
    })
  })

  it('refuses keys that are none, and presses that overlap', () => {
    const press = { key: '1', atMs: 0, durationMs: 100 }
    for (const presses of [[{ ...press, key: 'x' }], [{ ...press, durationMs: 0 }], [press, { ...press, atMs: 50 }]]) {
      const make = () => new PacketStream({ frameMs: FRAME_MS, frameTicks: FRAME_TICKS, frameCount: 20, presses })
      expect(make).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    }
  })

  it('changes the source', () => {
    const stream = streamOf(100, { ssrcChangesAtMs: [1000] })
    const packets = packetsOf(stream)
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(2)
    expect(packets[49]?.ssrc).not.toBe(packets[50]?.ssrc)
    expect(packets[50]).toMatchObject({ frame: 50, marker: true })
    expect(stream.truth()).toMatchObject({ gaps: [], ssrcs: [packets[0]?.ssrc, packets[50]?.ssrc] })
  })

  it('ends early where it is told to, and sends what is on its way', () => {
    const stream = streamOf(1000, { reorderRatio: 0.5, reorderMs: 200 }, 2)
    const before = Array.from({ length: 100 }, () => stream.next(2000)).filter((packet) => packet !== undefined)
    stream.end()
    const after = packetsOf(stream)
    const frames = [...before, ...after].map((packet) => packet.frame).sort((a, b) => a - b)
    expect(frames).toEqual(Array.from({ length: frames.length }, (_, index) => index))
    expect(after.length).toBeLessThan(30)
    expect(stream.truth().durationMs).toBe(frames.length * FRAME_MS)
  })

  it('is muted for a while: time goes on, and nothing is sent', () => {
    const stream = streamOf(10)
    const packets: TimedPacket[] = []
    const take = (untilMs: number) => {
      for (let packet = stream.next(untilMs); packet; packet = stream.next(untilMs)) packets.push(packet)
    }
    take(40)
    stream.mute(true)
    take(100)
    stream.mute(false)
    take(200)
    expect(packets.map(({ frame }) => frame)).toEqual([0, 1, 2, 6, 7, 8, 9])
    expect(packets.map(({ sequence }) => (sequence - (packets[0]?.sequence ?? 0)) & 0xffff)).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ])
    expect(((packets[3]?.timestamp ?? 0) - (packets[0]?.timestamp ?? 0)) >>> 0).toBe(6 * FRAME_TICKS)
    expect(packets.map(({ marker }) => marker)).toEqual([true, false, false, true, false, false, false])
    expect(stream.truth()).toMatchObject({ sent: 7, gaps: [{ startMs: 60, durationMs: 60 }], durationMs: 200 })
  })

  it('changes its source when it is told to', () => {
    const stream = streamOf(4)
    const [first, second] = [stream.next(20), stream.next(20)]
    stream.changeSource()
    const rest = packetsOf(stream)
    expect(second?.ssrc).toBe(first?.ssrc)
    expect(new Set(rest.map(({ ssrc }) => ssrc))).toEqual(new Set([stream.truth().ssrcs[1]]))
    expect(rest[0]?.marker).toBe(true)
  })

  it('is under way for longer, from an instant that stays what it was', () => {
    const packets = packetsOf(streamOf(5, { delayMs: 70, jitterMs: 30 }))
    expect(packets[0]).toMatchObject({ sampledAtMs: 0, sendAtMs: 70 })
    for (const { frame, sampledAtMs, sendAtMs } of packets) {
      expect(sampledAtMs).toBe(frame * FRAME_MS)
      expect(sendAtMs).toBeGreaterThanOrEqual(frame * FRAME_MS + 70)
    }
  })

  it('is refused out of its range', () => {
    for (const wrong of [
      { lossRatio: 1 },
      { jitterMs: -1 },
      { driftPpm: Number.NaN },
      { firstSequence: 65_536 },
      { ssrcChangesAtMs: [2, 1] },
      { holds: [{ fromMs: 5, toMs: 1, timestamps: 'go-on' as const }] },
    ]) {
      expect(() => streamOf(1, wrong), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    }
  })
})
