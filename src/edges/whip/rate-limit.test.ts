import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.ts'

/** How many of so many tries are allowed. */
const allowed = (limit: RateLimit, count: number, nowMs: number, key = 'a'): number =>
  Array.from({ length: count }, () => limit.take(key, nowMs)).filter((each) => each).length

describe('so many a second', () => {
  it('may come at once, and no more', () => {
    const limit = new RateLimit(3)
    expect(allowed(limit, 10, 1_000)).toBe(3)
    expect(allowed(limit, 1, 1_000)).toBe(0)
  })

  it('come again as time goes by, one by one', () => {
    const limit = new RateLimit(4)
    allowed(limit, 4, 0)
    expect([249, 250, 251, 499, 500].map((nowMs) => limit.take('a', nowMs))).toEqual([false, true, false, false, true])
  })

  it('do not add up while nobody comes', () => {
    const limit = new RateLimit(2)
    allowed(limit, 2, 0)
    expect(allowed(limit, 10, 3_600_000)).toBe(2)
  })

  it('are regained as well while somebody keeps trying in vain', () => {
    const limit = new RateLimit(1)
    allowed(limit, 1, 0)
    const tries = Array.from({ length: 102 }, (_, index) => limit.take('a', 10 * (index + 1)))
    expect(tries.filter((each) => each)).toEqual([true])
  })

  it('are of one key: nobody is held up by another', () => {
    const limit = new RateLimit(1)
    expect(allowed(limit, 5, 0, 'a')).toBe(1)
    expect(allowed(limit, 5, 0, 'b')).toBe(1)
  })

  it('are neither lost nor won for good by a clock that is set back', () => {
    const limit = new RateLimit(2)
    allowed(limit, 2, 10_000)
    expect(allowed(limit, 5, 0)).toBe(0)
    expect(allowed(limit, 5, 500)).toBe(1)
  })

  it('count for any number of keys', () => {
    const limit = new RateLimit(1)
    const keys = Array.from({ length: 20_000 }, (_, index) => String(index))
    expect(keys.every((key) => limit.take(key, 0))).toBe(true)
  })

  it('are never more than twice as many in any one second, whenever they come', () => {
    const arbitrary = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(100), { maxLength: 200 }))
    fc.assert(
      fc.property(arbitrary, ([perSecond, pauses]) => {
        const limit = new RateLimit(perSecond)
        let nowMs = 0
        const taken: number[] = []
        for (const pause of pauses) {
          nowMs += pause
          if (limit.take('a', nowMs)) taken.push(nowMs)
        }
        for (const from of taken) {
          const within = taken.filter((at) => at >= from && at < from + 1_000).length
          expect(within).toBeLessThanOrEqual(2 * perSecond)
        }
      }),
    )
  })
})
