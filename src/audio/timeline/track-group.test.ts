import { describe, expect, it } from 'vitest'
import { opusDurationTicks } from '../codecs/opus-packet.ts'
import { FrameTrack } from './frame-track.ts'
import { SampleTrack } from './sample-track.ts'
import type { Piece } from './track.ts'
import { TrackGroup } from './track-group.ts'

const narrow = () => new SampleTrack({ bytesPerTick: 1, clockRateHz: 8_000 })
const frames = () => new FrameTrack({ clockRateHz: 48_000, durationOf: opusDurationTicks, overlapTicks: 96 })
const G711 = new Uint8Array(160)
/** 20 ms. */
const OPUS = Uint8Array.of(31 << 3, 1, 2, 3)

const ticksOf = (pieces: readonly Piece[], track: number): number =>
  pieces.filter((piece) => (piece.track ?? 0) === track).reduce((sum, { ticks }) => sum + ticks, 0)

const pair = () => {
  const [left, right] = [narrow(), narrow()]
  const group = new TrackGroup()
  group.add(left, 8_000)
  group.add(right, 8_000)
  return { left, right, group }
}

describe('TrackGroup', () => {
  it('takes nothing while nothing has come', () => {
    const { group } = pair()
    expect(group.take(1_000)).toEqual([])
    expect(group.edgeMs).toBeUndefined()
  })

  it('begins all tracks where the first has something; what the others lack is a gap', () => {
    const { left, right, group } = pair()
    right.insert(8_000, G711)
    left.insert(8_400, G711)
    const pieces = group.take(group.endMs)
    expect(group.startMs).toBe(1_000)
    expect(pieces).toMatchObject([
      { kind: 'gap', ticks: 400 },
      { kind: 'audio', ticks: 160 },
      { kind: 'audio', ticks: 160, track: 1 },
      { kind: 'gap', ticks: 400, track: 1 },
    ])
  })

  it('takes as much of each track, whatever its clock', () => {
    const [left, right] = [narrow(), frames()]
    const group = new TrackGroup()
    group.add(left, 8_000)
    group.add(right, 48_000)
    for (let n = 0; n < 50; n += 1) {
      left.insert(8_000 + n * 160, G711)
      right.insert(48_000 + n * 960, OPUS)
    }
    for (const toMs of [1_100, 1_400, 2_000]) group.take(toMs)
    expect(group.edgesTicks).toEqual([16_000, 96_000])
  })

  it('lets a track of frames stop short of the time, and go on there', () => {
    const [left, right] = [narrow(), frames()]
    const group = new TrackGroup()
    group.add(left, 8_000)
    group.add(right, 48_000)
    left.insert(8_000, new Uint8Array(320))
    right.insert(48_000, OPUS)
    right.insert(48_960, OPUS)
    const first = group.take(1_030)
    expect([ticksOf(first, 0), ticksOf(first, 1)]).toEqual([240, 960])
    const second = group.take(1_040)
    expect([ticksOf(second, 0), ticksOf(second, 1)]).toEqual([80, 960])
  })

  it('begins a track that joins at its edge', () => {
    const { left, group } = pair()
    left.insert(8_000, G711)
    group.take(1_020)
    const late = narrow()
    group.add(late, 8_000)
    late.insert(8_320, G711)
    const pieces = group.take(1_060)
    expect(pieces.filter(({ track }) => track === 2)).toMatchObject([
      { kind: 'gap', ticks: 160 },
      { kind: 'audio', ticks: 160 },
    ])
  })

  it('goes on from where an earlier group had come to', () => {
    const group = new TrackGroup({ startMs: 1_000, edgeMs: 1_500 })
    const track = new SampleTrack({ bytesPerTick: 1, clockRateHz: 8_000 }, 12_000)
    group.add(track, 8_000)
    track.replay({ positionTicks: 12_160, bytes: G711 })
    expect(group.take(group.endMs)).toMatchObject([
      { kind: 'gap', ticks: 160 },
      { kind: 'audio', ticks: 160 },
    ])
  })
})

describe('a track of frames whose sender stamps by a clock that jitters', () => {
  it('keeps every frame whole and in its order, and is right again after the next pause', () => {
    const track = new FrameTrack({ clockRateHz: 48_000, durationOf: opusDurationTicks })
    const stamps = [48, 1_008, 1_968, 2_928, 4_608, 4_752, 5_712, 9_600]
    expect(stamps.map((at) => track.insert(at, OPUS))).toEqual(stamps.map(() => 'placed'))
    expect(track.takeNews().map(({ positionTicks }) => positionTicks)).toEqual([
      48, 1_008, 1_968, 2_928, 4_608, 5_568, 6_528, 9_600,
    ])
  })

  it('still knows a frame that comes again, and one that comes late between others', () => {
    const track = new FrameTrack({ clockRateHz: 48_000, durationOf: opusDurationTicks })
    expect([0, 1_920, 0, 1_920, 960, 1_000].map((at) => track.insert(at, OPUS))).toEqual([
      'placed',
      'placed',
      'duplicate',
      'duplicate',
      'placed',
      'duplicate',
    ])
  })
})

describe('a track of frames that a followed clock moves', () => {
  it('keeps frames that overlap a little, and counts only what is new', () => {
    const track = frames()
    expect([track.insert(0, OPUS), track.insert(900, OPUS)]).toEqual(['placed', 'placed'])
    expect(track.take(1_860)).toMatchObject([
      { kind: 'audio', ticks: 960 },
      { kind: 'audio', ticks: 900 },
    ])
  })

  it('puts back the rest of a frame of which a file has the beginning', () => {
    const track = new FrameTrack({ clockRateHz: 48_000, durationOf: opusDurationTicks, overlapTicks: 96 }, 480)
    expect(track.replay({ positionTicks: 0, bytes: OPUS })).toBe('placed')
    expect(track.take(960)).toMatchObject([{ kind: 'audio', ticks: 480 }])
  })
})
