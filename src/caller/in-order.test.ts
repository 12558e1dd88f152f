import { describe, expect, it } from 'vitest'
import { inOrder } from './in-order.ts'

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

/** An encoder that notes what it was given. */
const counted = (keep = 100) => {
  const encoded: number[] = []
  const frame = inOrder((index) => {
    encoded.push(index)
    return Uint8Array.of(index & 255)
  }, keep)
  return { encoded, frame }
}

describe('frames in order', () => {
  it('are encoded once, also those that nobody asks for', () => {
    const { encoded, frame } = counted()
    for (const index of [0, 1, 4, 3, 4, 9]) expect(frame(index)).toEqual(Uint8Array.of(index))
    expect(encoded).toEqual(range(0, 10))
  })

  it('are not made up for behind a hold, but the encoder warms up', () => {
    const { encoded, frame } = counted()
    frame(0)
    expect(frame(1000)).toEqual(Uint8Array.of(1000 & 255))
    expect(encoded).toEqual([0, ...range(975, 1001)])
  })

  it('are encoded again when they are wanted later than they were kept', () => {
    const { encoded, frame } = counted(2)
    for (const index of range(0, 10)) frame(index)
    expect(frame(9)).toEqual(Uint8Array.of(9))
    expect(encoded).toEqual(range(0, 10))
    expect(frame(3)).toEqual(Uint8Array.of(3))
    expect(encoded).toEqual([...range(0, 10), 3])
  })
})
