import fc from 'fast-check'
import { expect, it } from 'vitest'
import { swapL16 } from './l16.ts'

it('turns samples of the network into samples of a WAV', () => {
  const samples = Int16Array.of(1, -2, 32_767, -32_768)
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  for (const [index, sample] of samples.entries()) view.setInt16(2 * index, sample)
  const swapped = new DataView(swapL16(bytes).buffer)
  expect([...samples.keys()].map((index) => swapped.getInt16(2 * index, true))).toEqual([...samples])
})

it('leaves half a sample out, takes parts of buffers, and is its own reverse', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, from) => {
      const part = bytes.subarray(Math.min(from, bytes.length))
      const whole = part.subarray(0, part.length - (part.length % 2))
      expect(swapL16(swapL16(part))).toEqual(Uint8Array.from(whole))
    }),
  )
})
