import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Placement } from './placement.ts'

const RATE = 8000
const STEP = 160
const MS = 20
/** The n-th packet of a source: sequence n, timestamp base + n × 160, on time. */
const packet = (
  n: number,
  more: Partial<{ timestamp: number; arrivalMs: number; sequence: number; marker: boolean }> = {},
) => ({
  sequence: n,
  timestamp: (1_000 + n * STEP) | 0,
  durationTicks: STEP,
  arrivalMs: n * MS,
  ...more,
})
const LEAD = RATE

describe('Placement', () => {
  it('follows the timestamps of a run, whatever the arrival', () => {
    const place = new Placement(RATE)
    expect(place.place(1, packet(0))).toBe(LEAD)
    expect(place.place(1, packet(1, { arrivalMs: 500 }))).toBe(LEAD + STEP)
    expect(place.place(1, packet(2, { arrivalMs: 500 }))).toBe(LEAD + 2 * STEP)
  })

  it('leaves a gap as long as what was lost, and has room for what was overtaken', () => {
    const place = new Placement(RATE)
    expect(place.place(1, packet(10))).toBe(LEAD)
    expect(place.place(1, packet(15))).toBe(LEAD + 5 * STEP)
    expect(place.place(1, packet(12))).toBe(LEAD + 2 * STEP)
    expect(place.place(1, packet(8))).toBe(LEAD - 2 * STEP)
  })

  it('goes over the wrap of the timestamp', () => {
    const place = new Placement(RATE)
    expect(place.place(1, packet(0, { timestamp: 0xffffff60 }))).toBe(LEAD)
    expect(place.place(1, packet(1, { timestamp: 0 }))).toBe(LEAD + STEP)
  })

  it('does not follow a sender whose timestamps jump, in either direction', () => {
    for (const jump of [3_600 * RATE, -3_600 * RATE, 0x7fffffff]) {
      const place = new Placement(RATE)
      place.place(1, packet(0))
      const jumped = packet(1, { timestamp: (1_000 + STEP + jump) | 0 })
      expect(place.place(1, jumped), String(jump)).toBe(LEAD + STEP)
      expect(place.place(1, packet(2, { timestamp: (1_000 + 2 * STEP + jump) | 0 }))).toBe(LEAD + 2 * STEP)
    }
  })

  it('places silence that was not sent by the timestamps', () => {
    const place = new Placement(RATE)
    place.place(1, packet(0))
    const after = { sequence: 1, timestamp: 1_000 + 10 * RATE, durationTicks: STEP, arrivalMs: 10_000 }
    expect(place.place(1, after)).toBe(LEAD + 10 * RATE)
  })

  it('puts a new source where the old one ended, or where its arrival says', () => {
    const place = new Placement(RATE)
    for (let n = 0; n < 5; n += 1) place.place(1, packet(n))
    expect(place.place(2, packet(0, { arrivalMs: 5 * MS + 7 }))).toBe(LEAD + 5 * STEP)
    expect(place.place(2, packet(1, { arrivalMs: 6 * MS }))).toBe(LEAD + 6 * STEP)
    expect(place.place(3, packet(7, { arrivalMs: 1_000 }))).toBe(LEAD + 6 * STEP + 880 * 8)
    expect(place.place(2, packet(2, { arrivalMs: 1_010 })), 'the old source is still known').toBe(LEAD + 7 * STEP)
  })

  it.each([
    ['before', [1_000 + 10 * RATE, 1_000 + STEP]],
    ['after', [1_000 + 10 * RATE, 1_000 + STEP]],
  ])('at the end of a hold that signalling tells of %s it, believes timestamps that went on, and the clock when they stood still', (when, timestamps) => {
    for (const timestamp of timestamps) {
      const place = new Placement(RATE)
      place.place(1, packet(0))
      place.hold(true)
      if (when === 'before') place.hold(false)
      const position = place.place(1, { sequence: 1, timestamp, durationTicks: STEP, arrivalMs: 10_000 })
      expect(position).toBe(LEAD + 10 * RATE)
      place.hold(false)
      const next = { sequence: 2, timestamp: timestamp + STEP, durationTicks: STEP, arrivalMs: 10_020 }
      expect(place.place(1, next)).toBe(LEAD + 10 * RATE + STEP)
    }
  })

  it('knows a pause by its talk spurt when timestamps stood still, and a stall by its lack', () => {
    for (const marker of [true, false]) {
      const place = new Placement(RATE)
      place.place(1, packet(0))
      expect(place.place(1, packet(1, { arrivalMs: 5_000, marker }))).toBe(marker ? LEAD + 5 * RATE : LEAD + STEP)
    }
  })

  it('never gives a negative place, and each packet of a clean run its own', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 2, maxLength: 60 })
    fc.assert(
      fc.property(arrivals, fc.integer(), (delays, base) => {
        const packets = delays.map((delay, n) => ({
          ...packet(n, { timestamp: (base + n * STEP) | 0 }),
          arrivalMs: n * MS + delay,
        }))
        const place = new Placement(RATE)
        const sorted = [...packets].sort((a, b) => a.arrivalMs - b.arrivalMs)
        const places = sorted.map((each) => [each.sequence, place.place(7, each)] as const)
        const [first] = sorted
        for (const [sequence, position] of places) {
          expect(position).toBe(LEAD + (sequence - (first?.sequence ?? 0)) * STEP)
        }
      }),
    )
  })
})

describe('a stream beside others whose sender lets its timestamps stand still', () => {
  const beside = (shared = { originMs: 0 }) => new Placement(RATE, shared)
  /** 100 packets on time, a pause of so long that timestamps know nothing of, and so many more. */
  const lateAfter = (pauseMs: number, packets: number, spacingMs = MS): readonly number[] => {
    const place = beside()
    for (let n = 0; n < 100; n += 1) place.place(1, packet(n))
    return Array.from({ length: packets }, (_, index) => {
      const arrivalMs = 100 * MS + pauseMs + index * spacingMs
      const position = place.place(1, packet(100 + index, { arrivalMs })) ?? Number.NaN
      return arrivalMs - (position - LEAD) / 8
    })
  }

  it('has its place by the clock again within half a second', () => {
    for (const pauseMs of [1_500, 30_000, 3_600_000]) {
      const latenessMs = lateAfter(pauseMs, 200)
      expect(latenessMs[0]).toBe(pauseMs)
      expect(Math.max(...latenessMs.slice(25).map(Math.abs)), String(pauseMs)).toBeLessThanOrEqual(20)
    }
  })

  it.each([
    0, 1, 5, 10,
  ])('but what a stalled network lets through later, %s ms apart, stays where it belongs', (spacingMs) => {
    for (const pauseMs of [500, 2_000, 3_900]) {
      const packets = Math.ceil(pauseMs / (MS - spacingMs)) - 1
      const latenessMs = lateAfter(pauseMs, packets, spacingMs)
      const movedMs = latenessMs.map((lateMs, index) => Math.abs(lateMs - (pauseMs - index * (MS - spacingMs))))
      expect(Math.max(...movedMs), String(pauseMs)).toBeLessThanOrEqual(spacingMs === 10 ? 50 : 20)
    }
  })
})
