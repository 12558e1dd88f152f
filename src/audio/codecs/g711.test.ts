import { describe, expect, it } from 'vitest'
import { ALAW, MULAW } from '../transcode/g711.ts'
import { encodeAlaw, encodeMulaw } from './g711.ts'

const FULL_SCALE = 32_768
const EVERY_SAMPLE = Int16Array.from({ length: 65_536 }, (_, index) => index - FULL_SCALE)

describe.each([
  // What G.711 calls positive zero, the loudest of both signs, and the largest error that its segments allow.
  { name: 'µ-law', encode: encodeMulaw, levels: MULAW, zero: 0xff, loudest: [0x80, 0x00], clipped: 32_767 - 32_124 },
  { name: 'A-law', encode: encodeAlaw, levels: ALAW, zero: 0xd5, loudest: [0xaa, 0x2a], clipped: 512 },
])('$name', ({ encode, levels, zero, loudest, clipped }) => {
  const levelOf = (code: number): number => (levels[code] as number) * FULL_SCALE

  it('gives every code back that it decodes, but for a second zero', () => {
    const decoded = Int16Array.from({ length: 256 }, (_, code) => levelOf(code))
    const back = [...encode(decoded)]
    expect(back.filter((code, index) => code !== index && levelOf(code) !== levelOf(index))).toEqual([])
    expect(new Set(back).size).toBeGreaterThanOrEqual(255)
  })

  it('knows silence and the loudest samples', () => {
    expect([...encode(Int16Array.of(0, 32_767, -32_768))]).toEqual([zero, ...loudest])
  })

  it('is monotonic over all samples, and no more off than half a step of its segment', () => {
    const codes = encode(EVERY_SAMPLE)
    let before = Number.NEGATIVE_INFINITY
    for (const [index, code] of codes.entries()) {
      const sample = EVERY_SAMPLE[index] as number
      const level = levelOf(code)
      if (level < before) throw new Error(`${sample} becomes ${level}, the one below ${before}`)
      const halfStep = Math.max(8, 2 ** (Math.floor(Math.log2(Math.abs(sample) + 132)) - 5))
      const allowed = Math.abs(sample) > 32_124 ? clipped + 1 : halfStep
      if (Math.abs(level - sample) > allowed) throw new Error(`${sample} becomes ${level}`)
      before = level
    }
  })

  it('encodes nothing to nothing', () => {
    expect(encode(new Int16Array()).length).toBe(0)
  })
})
