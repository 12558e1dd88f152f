import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openWavEncoder, wavByteSize } from './encode-wav.ts'

/** How long a WAV is that is made of silence, block by block. */
const madeOf = (channels: number, lengths: readonly number[], fromHz: number, toHz: number | undefined): number => {
  const encoder = openWavEncoder(toHz)
  const parts = lengths.flatMap((length) =>
    encoder.append({
      channels: Array.from({ length: channels }, () => new Float32Array(length)),
      sampleRateHz: fromHz,
    }),
  )
  return [...parts, ...encoder.finish().bytes].reduce((sum, { length }) => sum + length, 0)
}

it('has the size that was told before, at any rate, of any length, in any blocks', () => {
  const rate = fc.oneof(
    fc.constantFrom(8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000),
    fc.integer({ min: 4_000, max: 50_000 }),
  )
  const blocks = fc.array(fc.nat(700), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.constantFrom(1, 2), blocks, rate, rate, (channels, lengths, fromHz, toHz) => {
      const frames = lengths.reduce((sum, length) => sum + length, 0)
      const told = wavByteSize({ channels, sampleRateHz: toHz }, frames, fromHz)
      expect(madeOf(channels, lengths, fromHz, toHz)).toBe(told)
      const same = wavByteSize({ channels, sampleRateHz: fromHz }, frames, fromHz)
      expect(madeOf(channels, lengths, fromHz, undefined)).toBe(same)
    }),
    { numRuns: 60 },
  )
})

it('has the size that was told before, of Opus at each rate that a server may be told', () => {
  const shape = fc.tuple(
    fc.constantFrom(8_000, 16_000, 24_000, 48_000),
    fc.array(fc.constantFrom(120, 480, 960, 2_880), { minLength: 1, maxLength: 30 }),
  )
  fc.assert(
    fc.property(shape, ([toHz, lengths]) => {
      const frames = lengths.reduce((sum, length) => sum + length, 0)
      const told = wavByteSize({ channels: 1, sampleRateHz: toHz }, frames, 48_000)
      expect(madeOf(1, lengths, 48_000, toHz)).toBe(told)
    }),
    { numRuns: 60 },
  )
})
