import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimateIndex, nextRound, rolloverOf } from './packet-index.ts'

describe('estimateIndex (RFC 3711 appendix A)', () => {
  it.each([
    [0, 1, 1],
    [0xffff, 0, 0x10000],
    [0x1ffff, 5, 0x20005],
    [0x10005, 0xfffe, 0xfffe],
    [5, 0xfffe, -2],
    [0x7fff, 0xffff, 0xffff],
    [0x7ffe, 0xffff, -1],
    [0x8000, 0, 0],
    [0x8001, 0, 0x10000],
  ])('after %i has %i for %i', (highest, sequence, index) => expect(estimateIndex(highest, sequence)).toBe(index))

  it('is the index of a packet that is less than half a round away', () => {
    const step = fc.integer({ min: -0x7fff, max: 0x7fff })
    fc.assert(
      fc.property(fc.integer({ min: 0x10000, max: 2 ** 47 }), step, (highest, by) => {
        expect(estimateIndex(highest, (highest + by) % 0x10000)).toBe(highest + by)
      }),
    )
  })

  it('counts rounds', () => {
    expect(rolloverOf(nextRound(0x1ffff))).toBe(2)
    expect(rolloverOf(2 ** 48 - 1)).toBe(2 ** 32 - 1)
  })
})
