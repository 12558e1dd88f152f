import { describe, expect, it } from 'vitest'
import { Resampler } from './resampler.ts'

const tone = (hz: number, rateHz: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, at) => Math.sin((2 * Math.PI * hz * at) / rateHz))
const joined = (parts: readonly Float32Array[]): Float32Array => Float32Array.from(parts.flatMap((part) => [...part]))
/** All of an input in blocks of these lengths, over and over. */
const resampled = (fromHz: number, toHz: number, input: Float32Array, lengths: readonly number[]): Float32Array => {
  const resampler = new Resampler(fromHz, toHz)
  const parts: Float32Array[] = []
  for (let at = 0, block = 0; at < input.length; block += 1) {
    const length = lengths[block % lengths.length] as number
    parts.push(resampler.append(input.subarray(at, at + length)))
    at += length
  }
  return joined([...parts, resampler.finish()])
}

describe('Resampler', () => {
  it.each([
    [8_000, 16_000],
    [16_000, 8_000],
    [48_000, 16_000],
    [44_100, 48_000],
    [15_999, 48_000],
  ])('keeps a tone where and as it is, %s Hz to %s Hz', (fromHz, toHz) => {
    const output = resampled(fromHz, toHz, tone(440, fromHz, fromHz / 2), [160, 7, 961])
    const ideal = tone(440, toHz, output.length)
    const errors = output.map((sample, at) => Math.abs(sample - (ideal[at] as number))).slice(200, -200)
    expect(Math.abs(output.length - toHz / 2)).toBeLessThanOrEqual(1)
    expect(Math.max(...errors)).toBeLessThan(0.002)
  })

  it('gives the same whatever the blocks are', () => {
    const input = tone(1_000, 8_000, 4_000)
    expect(resampled(8_000, 11_025, input, [1, 333])).toEqual(resampled(8_000, 11_025, input, [4_000]))
  })

  it.each([
    [8_000, 16_000],
    [48_000, 16_000],
    [44_100, 48_000],
  ])('takes silence as if it were appended, however long, %s Hz to %s Hz', (fromHz, toHz) => {
    for (const silence of [0, 1, 20, 33, 400, 50_001]) {
      const [short, long] = [new Resampler(fromHz, toHz), new Resampler(fromHz, toHz)]
      const [before, after] = [tone(440, fromHz, 500), tone(300, fromHz, 500)]
      const skipped = [short.append(before), short.appendSilence(silence), short.append(after), short.finish()]
      const whole = [long.append(before), long.append(new Float32Array(silence)), long.append(after), long.finish()]
      const [one, other] = [joined(skipped), joined(whole)]
      expect(one.length).toBe(other.length)
      expect(Math.max(...one.map((sample, at) => Math.abs(sample - (other[at] as number)))), `${silence}`).toBe(0)
    }
  })
})
