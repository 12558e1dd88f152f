import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { opusDurationTicks } from './opus-packet.ts'

/** The byte of contents: configuration 0 to 31, code 0 to 3. */
const toc = (configuration: number, code: number): number => (configuration << 3) | code
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
const ticks = (...bytes: readonly number[]) => opusDurationTicks(Uint8Array.from(bytes))

const CELT_20MS = 31
const SILK_60MS = 3
const CELT_2_5MS = 28

describe('opusDurationTicks', () => {
  it.each([
    ...[0, 4, 8].flatMap((from) => [480, 960, 1920, 2880].map((length, index) => [from + index, length] as const)),
    ...[12, 14].flatMap((from) => [480, 960].map((length, index) => [from + index, length] as const)),
    ...[16, 20, 24, 28].flatMap((from) => [120, 240, 480, 960].map((length, index) => [from + index, length] as const)),
  ])('knows configuration %i: %i ticks', (configuration, length) => {
    expect(ticks(toc(configuration, 0), 1, 2, 3)).toBe(length)
    expect(ticks(toc(configuration, 1), 1, 2)).toBe(2 * length)
    expect(ticks(toc(configuration, 2), 1, 2, 3)).toBe(2 * length)
  })

  it('takes packets without a byte of frame (DTX)', () => {
    expect(ticks(toc(CELT_20MS, 0))).toBe(960)
    expect(ticks(toc(CELT_20MS, 1))).toBe(1920)
    expect(ticks(toc(CELT_20MS, 2), 0)).toBe(1920)
    expect(ticks(toc(CELT_20MS, 3), 3)).toBe(2880)
  })

  it('takes up to 120 ms in one packet', () => {
    expect(ticks(toc(CELT_2_5MS, 3), 48, ...zeros(48))).toBe(5760)
    expect(ticks(toc(CELT_2_5MS, 3), 49, ...zeros(49))).toBeUndefined()
    expect(ticks(toc(SILK_60MS, 3), 2, 0, 0)).toBe(5760)
    expect(ticks(toc(SILK_60MS, 3), 3, 0, 0, 0)).toBeUndefined()
  })

  it('reads lengths of one byte and of two', () => {
    expect(ticks(toc(CELT_20MS, 2), 252, 1, ...zeros(256))).toBe(1920)
    expect(ticks(toc(CELT_20MS, 2), 252, 1, ...zeros(255))).toBeUndefined()
    expect(ticks(toc(CELT_20MS, 3), 0x80 | 3, 1, 2, ...zeros(3))).toBe(2880)
    expect(ticks(toc(CELT_20MS, 3), 0x80 | 3, 1, 2, ...zeros(2))).toBeUndefined()
  })

  it('leaves padding out', () => {
    expect(ticks(toc(CELT_20MS, 3), 0x40 | 2, 3, 1, 1, ...zeros(3))).toBe(1920)
    expect(ticks(toc(CELT_20MS, 3), 0x40 | 2, 255, 1, 1, 1, ...zeros(255))).toBe(1920)
    expect(ticks(toc(CELT_20MS, 3), 0xc0 | 2, 2, 1, 1, 1, ...zeros(2))).toBe(1920)
  })

  it.each([
    ['nothing', []],
    ['a count that is not there', [toc(CELT_20MS, 3)]],
    ['no frames', [toc(CELT_20MS, 3), 0, 1, 2]],
    ['a frame of more than 1275 bytes', [toc(CELT_20MS, 0), ...zeros(1276)]],
    ['two frames of unequal length', [toc(CELT_20MS, 1), 1, 2, 3]],
    ['a length that is not there', [toc(CELT_20MS, 2)]],
    ['a length with its second byte missing', [toc(CELT_20MS, 2), 252]],
    ['a frame longer than the packet', [toc(CELT_20MS, 2), 5, 1, 2]],
    ['frames that do not divide the packet', [toc(CELT_20MS, 3), 2, 1, 2, 3]],
    ['padding that is not there', [toc(CELT_20MS, 3), 0x41]],
    ['padding that never ends', [toc(CELT_20MS, 3), 0x41, 255, 255]],
    ['padding longer than the packet', [toc(CELT_20MS, 3), 0x41, 4, 1, 2]],
  ])('refuses %s', (_, bytes) => {
    expect(ticks(...bytes)).toBeUndefined()
  })

  it('gives whole frames or nothing for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const length = opusDurationTicks(bytes)
        if (length === undefined) return
        expect(length % 120).toBe(0)
        expect(length).toBeGreaterThanOrEqual(120)
        expect(length).toBeLessThanOrEqual(5760)
      }),
    )
  })
})
