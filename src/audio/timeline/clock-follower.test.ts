import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClockFollower } from './clock-follower.ts'

const TICKS_PER_MS = 8
const PACKET_MS = 20

/** Sends packets whose clock is off by so many millionths; gives how late each came for its place, jitter left out, and the largest step. */
const follow = (packets: number, { ppm = 0, startMs = 0, jitterMs = () => 0 }) => {
  const follower = new ClockFollower(TICKS_PER_MS)
  let moved = 0
  let largest = 0
  const errorsMs: number[] = []
  for (let n = 0; n < packets; n += 1) {
    const error = startMs * TICKS_PER_MS + (n * PACKET_MS * TICKS_PER_MS * ppm) / 1e6 - moved
    const step = follower.step(Math.round(error + jitterMs() * TICKS_PER_MS))
    moved += step
    largest = Math.max(largest, Math.abs(step))
    errorsMs.push((error - step) / TICKS_PER_MS)
  }
  return { errorsMs, largest, moved }
}

describe('ClockFollower', () => {
  it('leaves a clock alone that is right, whatever the jitter', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 60 })), (noise) => {
        // At least now and then a packet is on time: that is what tells jitter from a clock.
        let packets = 0
        const jitterMs = () => {
          packets += 1
          return packets % 10 === 0 ? 0 : noise.next().value
        }
        const { moved } = follow(1_000, { jitterMs })
        expect(moved).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  it.each([-300, -50, 50, 300])('stays within a few milliseconds of a clock that drifts by %d ppm', (ppm) => {
    const { errorsMs, largest } = follow(30_000, { ppm })
    expect(Math.max(...errorsMs.map(Math.abs))).toBeLessThan(6)
    expect(largest).toBeLessThanOrEqual(2)
  })

  it('takes back an error of the first packet within seconds, in steps of at most 2 ms', () => {
    for (const startMs of [60, -60]) {
      const { errorsMs, largest } = follow(400, { startMs })
      expect(Math.abs(errorsMs[200] ?? 99), String(startMs)).toBeLessThan(20)
      expect(Math.abs(errorsMs.at(-1) ?? 99), String(startMs)).toBeLessThan(4)
      expect(largest).toBeLessThanOrEqual(2 * TICKS_PER_MS)
    }
  })

  it('waits for nothing when packets come too early: only a first packet that was late does that', () => {
    const { errorsMs, largest } = follow(60, { startMs: -90 })
    expect(Math.abs(errorsMs[40] ?? 99)).toBeLessThan(20)
    expect(largest).toBeLessThanOrEqual(2 * TICKS_PER_MS)
  })

  it('says nothing before it has seen a second, nor after it was told that the stream begins anew', () => {
    const follower = new ClockFollower(TICKS_PER_MS)
    const steps = () => Array.from({ length: 49 }, () => follower.step(800))
    expect(steps().every((step) => step === 0)).toBe(true)
    follower.reset()
    expect(steps().every((step) => step === 0)).toBe(true)
    expect(follower.step(800)).toBeGreaterThan(0)
  })
})
