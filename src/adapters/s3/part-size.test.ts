import { describe, expect, it } from 'vitest'
import { evenPartBytes, growingPartBytes, PART_BYTES } from './part-size.ts'

const TIB = 1024 ** 4

describe('the parts of an upload', () => {
  it('are of one size at first, and doubled, so that 10,000 of them have room for the largest object of 5 TiB', () => {
    expect([1, 1000, 1001].map(growingPartBytes)).toEqual([PART_BYTES, PART_BYTES, 2 * PART_BYTES])
    const sum = Array.from({ length: 10_000 }, (_, index) => growingPartBytes(index + 1)).reduce((a, b) => a + b)
    expect(sum).toBeGreaterThan(5 * TIB)
  })

  it.each([1, 80e9, 90e9, 5 * TIB])('are at most 10,000 of %i bytes', (byteSize) => {
    expect(evenPartBytes(byteSize)).toBeGreaterThanOrEqual(PART_BYTES)
    expect(Math.ceil(byteSize / evenPartBytes(byteSize))).toBeLessThanOrEqual(10_000)
  })
})
