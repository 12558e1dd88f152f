import { describe, expect, it } from 'vitest'
import { formatRtp } from '../audio/rtp/packet.ts'
import type { SharedClock } from '../audio/timeline/placement.ts'
import { SampleTrack } from '../audio/timeline/sample-track.ts'
import type { Piece } from '../audio/timeline/track.ts'
import type { StreamPlan } from './call-recorder.ts'
import { PATIENCE_MS } from './source-lock.ts'
import { type PacketSource, StreamReceiver } from './stream-receiver.ts'

const AGREED = { address: '192.0.2.1', port: 4000 }
const REBOUND = { address: '192.0.2.1', port: 4444 }
const NAT = { address: '203.0.113.9', port: 9000 }
const STRANGER = { address: '198.51.100.66', port: 6666 }
const [OURS, NEXT] = [0xaaaa, 0xbbbb] as const
const [PCMU, EVENT, NOISE, UNKNOWN] = [0, 101, 13, 96] as const
const FRAME_MS = 20
const FRAME_TICKS = 160
const CLOCK_RATE_HZ = 8000

const PLAN: StreamPlan = {
  format: { codec: 'PCMU', payloadType: PCMU, clockRateHz: CLOCK_RATE_HZ, channels: 1 },
  eventTypes: [EVENT],
  comfortNoiseTypes: [NOISE],
  remote: { address: AGREED.address, rtpPort: AGREED.port, rtcpPort: 4001 },
  isRtcpMultiplexed: false,
  isHeld: false,
}

interface Packet {
  readonly ssrc?: number
  readonly sequence: number
  /** Frames since the beginning; the sequence number unless said. */
  readonly frame?: number
  readonly payloadType?: number
  readonly from?: PacketSource
  readonly payload?: Uint8Array
  /** How much later than sent it comes. */
  readonly lateMs?: number
}

/** A stream whose frame n is 160 bytes of value n (8 bits). */
class Line {
  readonly track = new SampleTrack({ bytesPerTick: 1, clockRateHz: CLOCK_RATE_HZ })
  readonly taken: Piece[] = []
  readonly receiver: StreamReceiver

  /** `clock`: other streams are beside. */
  constructor(clock?: SharedClock) {
    this.receiver = new StreamReceiver(PLAN, this.track, (positionTicks) => this.take(positionTicks), clock)
  }

  send(...packets: readonly Packet[]): this {
    for (const packet of packets) this.#send(packet)
    return this
  }

  /** Frames from one number up to another. */
  run(from: number, to: number, more: Omit<Packet, 'sequence'> = {}): this {
    for (let sequence = from; sequence < to; sequence += 1) this.send({ ...more, sequence })
    return this
  }

  take(toTicks: number): void {
    this.track.takeNews()
    // What a track gives out is lent.
    this.taken.push(
      ...this.track
        .take(toTicks)
        .map((piece) => (piece.kind === 'gap' ? piece : { ...piece, bytes: piece.bytes.slice() })),
    )
  }

  /** The value of each frame's first sample, -1 for a gap; frames that are not of one value are `NaN`. */
  heard(): number[] {
    this.take(this.track.endTicks)
    const samples = this.taken.flatMap((piece): number[] =>
      piece.kind === 'gap' ? Array(piece.ticks).fill(-1) : [...piece.bytes],
    )
    return Array.from({ length: samples.length / FRAME_TICKS }, (_, index) => {
      const frame = samples.slice(index * FRAME_TICKS, (index + 1) * FRAME_TICKS)
      return frame.every((sample) => sample === frame[0]) ? (frame[0] as number) : Number.NaN
    })
  }

  #send({
    ssrc = OURS,
    sequence,
    frame = sequence,
    payloadType = PCMU,
    from = AGREED,
    payload,
    lateMs = 0,
  }: Packet): void {
    const bytes = formatRtp(
      { payloadType, marker: false, sequence: sequence & 0xffff, timestamp: (frame * FRAME_TICKS) >>> 0, ssrc },
      payload ?? new Uint8Array(FRAME_TICKS).fill(frame),
    )
    this.receiver.receive(bytes, from, frame * FRAME_MS + lateMs)
    // A socket gives its buffer to the next datagram.
    bytes.fill(0xee)
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

const CLEAN = {
  codec: 'PCMU',
  lost: 0,
  late: 0,
  duplicated: 0,
  jitterMs: 0,
  jitterMaxMs: 0,
  ssrcChanges: 0,
  strangers: 0,
  invalid: 0,
}

describe('StreamReceiver', () => {
  it('lays out what comes, and counts it', () => {
    const line = new Line().run(1, 51)
    expect(line.heard()).toEqual(range(1, 51))
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 50 })
    expect(line.receiver.lastPacketMs).toBe(50 * FRAME_MS)
    expect(line.receiver.reception?.ssrc).toBe(OURS)
  })

  it('counts lost, duplicated, reordered and late packets, each once', () => {
    const line = new Line().run(1, 11).send({ sequence: 12 }, { sequence: 11, lateMs: 20 }, { sequence: 12, lateMs: 1 })
    line.run(15, 20)
    expect(line.receiver.quality()).toMatchObject({ packets: 17, lost: 2, duplicated: 1, late: 0 })
    line.take(line.track.endTicks)
    line.send({ sequence: 14, lateMs: 200 })
    expect(line.receiver.quality()).toMatchObject({ packets: 18, lost: 1, duplicated: 1, late: 1 })
    expect(line.heard()).toEqual([...range(1, 13), -1, -1, ...range(15, 20)])
  })

  it('measures jitter as RFC 3550 A.8 does', () => {
    const line = new Line()
    let jitterTicks = 0
    let highest = 0
    const lates = [0, 5, 0, 30, 12, 12, 0, 40, 3]
    for (const [index, lateMs] of lates.entries()) {
      line.send({ sequence: index + 1, lateMs })
      const difference = index === 0 ? 0 : Math.abs(lateMs - (lates[index - 1] as number)) * 8
      if (index > 0) jitterTicks += (difference - jitterTicks) / 16
      highest = Math.max(highest, jitterTicks)
    }
    const { jitterMs, jitterMaxMs } = line.receiver.quality()
    expect(jitterMs).toBeCloseTo(jitterTicks / 8, 1)
    expect(jitterMaxMs).toBeCloseTo(highest / 8, 1)
  })

  it('makes room for what lies far ahead', () => {
    const line = new Line().run(1, 3).send({ sequence: 3, frame: 1001 }, { sequence: 4, frame: 1002 })
    const heard = line.heard()
    expect(heard).toHaveLength(1002)
    expect([heard[0], heard[1], heard[2], heard[1000], heard[1001]]).toEqual([1, 2, -1, 1001 & 255, 1002 & 255])
    expect(line.receiver.quality()).toMatchObject({ packets: 4, lost: 0, late: 0 })
  })
})

describe('StreamReceiver, payload types', () => {
  it('never takes events and comfort noise for audio, but counts them as packets', () => {
    const line = new Line().run(1, 5)
    line.run(5, 9, { payloadType: EVENT, payload: Uint8Array.of(5, 10, 0, 160) })
    line.run(9, 11, { payloadType: NOISE, payload: Uint8Array.of(60) })
    line.run(11, 14)
    expect(line.heard()).toEqual([...range(1, 5), ...Array(6).fill(-1), ...range(11, 14)])
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 13 })
  })

  it('does not take an event of one timestamp for jitter', () => {
    const line = new Line().run(1, 5)
    for (let index = 0; index < 20; index += 1) {
      line.send({
        sequence: 5 + index,
        frame: 5,
        payloadType: EVENT,
        lateMs: index * FRAME_MS,
        payload: new Uint8Array(4),
      })
    }
    line.send({ sequence: 25 })
    expect(line.receiver.quality()).toMatchObject({ packets: 25, lost: 0, jitterMs: 0, jitterMaxMs: 0 })
  })

  it('says that a source is alive when only events come', () => {
    const line = new Line().run(1, 3).run(3, 100, { payloadType: EVENT, payload: new Uint8Array(4) })
    expect(line.receiver.lastPacketMs).toBe(99 * FRAME_MS)
  })

  it('counts what nobody agreed on, and what is no RTP, as invalid', () => {
    const line = new Line().run(1, 3).send({ sequence: 3, payloadType: UNKNOWN })
    for (const bytes of [new Uint8Array(0), new Uint8Array(11).fill(0x80), new Uint8Array(172)])
      line.receiver.receive(bytes, AGREED, 60)
    line.send({ sequence: 3, payload: new Uint8Array(0) })
    expect(line.heard()).toEqual([1, 2])
    expect(line.receiver.quality()).toMatchObject({ packets: 3, invalid: 5, lost: 0 })
    expect(line.receiver.lastPacketMs).toBe(60)
  })

  it('follows new terms: an event type that is agreed on later', () => {
    const line = new Line().run(1, 3)
    line.receiver.update({ ...PLAN, eventTypes: [UNKNOWN] })
    line.send({ sequence: 3, payloadType: UNKNOWN }, { sequence: 4, payloadType: EVENT })
    expect(line.receiver.quality()).toMatchObject({ packets: 3, invalid: 1 })
  })
})

describe('StreamReceiver, a change of source', () => {
  it('loses no packet of a new SSRC that was on trial', () => {
    const line = new Line().run(1, 11)
    for (let frame = 11; frame < 21; frame += 1) line.send({ ssrc: NEXT, sequence: 7_000 + frame, frame })
    expect(line.heard()).toEqual(range(1, 21))
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 20, ssrcChanges: 1 })
    expect(line.receiver.reception?.ssrc).toBe(NEXT)
  })

  it('takes reordered packets of the old SSRC behind the change to their place', () => {
    const line = new Line().run(1, 7)
    line.send({ ssrc: NEXT, sequence: 500, frame: 11 }, { ssrc: NEXT, sequence: 501, frame: 12 })
    line.send({ sequence: 8, lateMs: 100 }, { sequence: 7, lateMs: 120 }, { sequence: 10, lateMs: 60 })
    line.send({ sequence: 9, lateMs: 80 }, { ssrc: NEXT, sequence: 502, frame: 13 })
    const { packets, lost, late } = line.receiver.quality()
    expect({ packets, lost, late }).toEqual({ packets: 13, lost: 0, late: 0 })
    expect(line.heard()).toEqual(range(1, 14))
  })

  it('loses no packet of a NAT that rebinds', () => {
    const line = new Line().run(1, 11)
    line.run(111, 131, { from: REBOUND })
    const heard = line.heard()
    expect(heard.slice(0, 10)).toEqual(range(1, 11))
    expect(heard.slice(-20)).toEqual(range(111, 131))
    expect(line.receiver.quality()).toMatchObject({ packets: 30, strangers: 0, ssrcChanges: 0, lost: 100 })
    expect(line.receiver.rtcpPeer).toEqual({ address: REBOUND.address, port: REBOUND.port + 1 })
  })

  it('sums up over many sources', () => {
    const line = new Line()
    for (let source = 0; source < 10; source += 1) {
      for (let index = 0; index < 10; index += 1) {
        const frame = source * 10 + index + 1
        if (index !== 5) line.send({ ssrc: 100 + source, sequence: 1000 * source + index, frame })
      }
    }
    expect(line.receiver.quality()).toMatchObject({ packets: 90, lost: 10, ssrcChanges: 9, strangers: 0 })
  })

  it('has no trial for one whose name is known', () => {
    const line = new Line().run(1, 3)
    line.receiver.noteCname(OURS, 'a@b')
    line.receiver.noteCname(NEXT, 'a@b')
    line.send({ ssrc: NEXT, sequence: 900, frame: 3 })
    expect(line.receiver.quality()).toMatchObject({ packets: 3, ssrcChanges: 1, strangers: 0 })
  })
})

describe('StreamReceiver, who comes first', () => {
  const loud = new Uint8Array(FRAME_TICKS).fill(200)

  it('loses no packet of one behind a NAT, whom nobody announced', () => {
    const line = new Line().run(1, 31, { from: NAT })
    expect(line.heard()).toEqual(range(1, 31))
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 30 })
  })

  it('loses no packet of one behind a NAT who says little, when it is time, or at the end', () => {
    const line = new Line().run(1, 4, { from: NAT })
    line.receiver.settle(FRAME_MS + PATIENCE_MS - 1)
    expect(line.receiver.lastPacketMs).toBeUndefined()
    line.receiver.settle(FRAME_MS + PATIENCE_MS)
    expect(line.receiver.lastPacketMs).toBe(3 * FRAME_MS)
    expect(line.heard()).toEqual([1, 2, 3])
    const short = new Line().run(1, 3, { from: NAT })
    short.receiver.settle()
    expect(short.heard()).toEqual([1, 2])
    expect(short.receiver.quality()).toEqual({ ...CLEAN, packets: 2 })
  })

  it('loses no packet of one behind a NAT when two seconds come out of the socket at once', () => {
    const line = new Line()
    for (const sequence of range(1, 101)) line.send({ sequence, from: NAT, lateMs: (100 - sequence) * FRAME_MS })
    line.receiver.settle(100 * FRAME_MS + PATIENCE_MS)
    expect(line.heard()).toEqual(range(1, 101))
    expect(line.receiver.quality()).toMatchObject({ packets: 100, lost: 0, late: 0, strangers: 0 })
  })

  it('hears nothing of strangers who are faster than the announced one', () => {
    const line = new Line().run(1, 4, { from: STRANGER, ssrc: NEXT, payload: loud })
    line.run(4, 31)
    line.receiver.settle()
    expect(line.heard()).toEqual(range(4, 31))
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 27, strangers: 3 })
  })

  it('has nobody to believe when nothing came', () => {
    const line = new Line()
    line.receiver.settle()
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 0 })
  })
})

describe('StreamReceiver, strangers', () => {
  it('keeps them out before, between and after, and counts each packet once', () => {
    const line = new Line().run(1, 11)
    for (let frame = 11; frame < 21; frame += 1) {
      line.send({ from: STRANGER, ssrc: NEXT, sequence: frame, payload: new Uint8Array(FRAME_TICKS).fill(200) })
      line.send(
        { from: STRANGER, sequence: frame, payload: new Uint8Array(FRAME_TICKS).fill(201) },
        { sequence: frame },
      )
    }
    line.run(300, 310, { from: STRANGER, ssrc: NEXT })
    expect(line.heard()).toEqual(range(1, 21))
    expect(line.receiver.quality()).toEqual({ ...CLEAN, packets: 20, strangers: 30 })
    expect(line.receiver.lastPacketMs).toBe(20 * FRAME_MS)
  })

  it('gives nobody the packets that another has sent on trial', () => {
    const line = new Line().run(1, 11)
    // After silence both claim to be the agreed source; only one sends on.
    line.run(211, 214, { from: STRANGER, payload: new Uint8Array(FRAME_TICKS).fill(200) })
    line.run(214, 230, { from: REBOUND })
    expect(line.heard()).not.toContain(200)
    expect(line.heard().slice(-16)).toEqual(range(214, 230))
    expect(line.receiver.quality()).toMatchObject({ packets: 26, strangers: 3 })
  })

  it('forgets a packet on trial that is old when its source is believed', () => {
    const line = new Line()
      .run(1, 11)
      .send({ ssrc: NEXT, sequence: 11, payload: new Uint8Array(FRAME_TICKS).fill(200) })
    line.run(11, 101).run(101, 111, { ssrc: NEXT })
    expect(line.heard()).toEqual(range(1, 111))
    expect(line.receiver.quality()).toMatchObject({ packets: 110, strangers: 1, ssrcChanges: 1 })
  })

  it('counts those that are still on trial at the end', () => {
    const line = new Line().run(1, 3)
    for (let index = 0; index < 20; index += 1) line.send({ ssrc: NEXT, sequence: 1000 * index, frame: 3 })
    expect(line.receiver.quality()).toMatchObject({ packets: 2, strangers: 20 })
  })
})

describe('StreamReceiver, where reports go', () => {
  const peerOf = (plan: StreamPlan, from: PacketSource | undefined) => {
    const receiver = new StreamReceiver(
      plan,
      new SampleTrack({ bytesPerTick: 1, clockRateHz: CLOCK_RATE_HZ }),
      () => {},
    )
    const header = { payloadType: PCMU, marker: false, sequence: 1, timestamp: 1, ssrc: OURS }
    if (from) receiver.receive(formatRtp(header, new Uint8Array(FRAME_TICKS)), from, 0)
    receiver.settle(PATIENCE_MS)
    return receiver.rtcpPeer
  }

  it('is the announced port, or the one beside where media comes from, or the same one', () => {
    const odd = { ...PLAN, remote: { ...PLAN.remote, rtcpPort: 4711 } }
    expect(peerOf(odd, undefined)).toEqual({ address: AGREED.address, port: 4711 })
    expect(peerOf(odd, AGREED)).toEqual({ address: AGREED.address, port: 4711 })
    expect(peerOf(odd, REBOUND)).toEqual({ address: REBOUND.address, port: REBOUND.port + 1 })
    expect(peerOf({ ...odd, isRtcpMultiplexed: true }, REBOUND)).toEqual(REBOUND)
  })
})

describe('a stream beside others', () => {
  const originMs = -1_000
  const beginOf = (line: Line) => {
    line.receiver.settle()
    return line.track.firstTicks
  }

  it('is placed by the arrival clock that they share', () => {
    expect(beginOf(new Line({ originMs }).run(0, 10))).toBe(2 * CLOCK_RATE_HZ)
  })

  it('is not moved by a first packet that was late, and loses nothing of what follows', () => {
    const line = new Line({ originMs }).send({ sequence: 0, lateMs: 46 }, { sequence: 1, lateMs: 26 })
    line.send({ sequence: 2, lateMs: 6 }).run(3, 200)
    expect(beginOf(line)).toBe(2 * CLOCK_RATE_HZ)
    expect(line.heard()).toEqual(range(0, 200).map((frame) => frame & 255))
  })

  it('is heard from its first packet on, also when no more come', () => {
    const line = new Line({ originMs }).send({ sequence: 0 })
    line.receiver.settle(59)
    expect(line.track.firstTicks).toBeUndefined()
    line.receiver.settle(60)
    expect(line.track.firstTicks).toBe(2 * CLOCK_RATE_HZ)
  })

  it('keeps what a source sent that another follows at once', () => {
    const line = new Line({ originMs }).run(0, 3).run(3, 30, { ssrc: OURS + 1 })
    line.receiver.settle()
    expect(line.receiver.quality()).toMatchObject({ packets: 30, ssrcChanges: 1 })
    expect(line.heard()).toEqual(range(0, 30))
  })
})
