import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { G722Decoder, G722Encoder } from './g722.ts'

const golden = (name: string): Buffer => readFileSync(`test/golden/audio/${name}`)
const WAV_HEADER_BYTES = 44
const samplesOf = (name: string): Int16Array => {
  const bytes = golden(name).subarray(WAV_HEADER_BYTES)
  return Int16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(2 * index))
}

const RATE_HZ = 16_000
/** What the two filters hold back together (ITU-T G.722: 24 taps each way). */
const DELAY_SAMPLES = 22

const tone = (hz: number, amplitude: number): Int16Array =>
  Int16Array.from({ length: RATE_HZ }, (_, index) => amplitude * Math.sin((2 * Math.PI * hz * index) / RATE_HZ))

const through = (samples: Int16Array): Int16Array => new G722Decoder().decode(new G722Encoder().encode(samples))

describe('G.722', () => {
  it('is encoded as others encode it, bit for bit', () => {
    expect([...new G722Encoder().encode(samplesOf('g722-source-16k.wav'))]).toEqual([...golden('g722-64k.g722')])
  })

  it('is decoded as others decode it, bit for bit', () => {
    expect([...new G722Decoder().decode(golden('g722-64k.g722'))]).toEqual([...samplesOf('g722-decoded-16k.wav')])
  })

  it.each([
    [200, 55],
    [1000, 45],
    [3000, 35],
    [3900, 35],
    [4100, 35],
  ])('carries a tone of %i Hz with at least %i dB above what it adds, always as late', (hz, decibels) => {
    const sent = tone(hz, 8000)
    const heard = through(sent)
    let [signal, noise] = [0, 0]
    for (let index = 4000; index < 15_000; index += 1) {
      signal += (sent[index] ?? 0) ** 2
      noise += ((sent[index] ?? 0) - (heard[index + DELAY_SAMPLES] ?? 0)) ** 2
    }
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(decibels)
  })

  it('is the same however it is cut into packets', () => {
    const code = golden('g722-64k.g722').subarray(0, 2000)
    const samples = samplesOf('g722-source-16k.wav').subarray(0, 4000)
    const [allSamples, allCode] = [new G722Decoder().decode(code), new G722Encoder().encode(samples)]
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 12 }), (cuts) => {
        const [decoder, encoder] = [new G722Decoder(), new G722Encoder()]
        const ends = [...new Set([...cuts.map((cut) => cut * 5), 2000])].sort((a, b) => a - b)
        const ranges = ends.map((end, index) => [ends[index - 1] ?? 0, end] as const)
        expect(ranges.flatMap(([from, to]) => [...decoder.decode(code.subarray(from, to))])).toEqual([...allSamples])
        expect(ranges.flatMap(([from, to]) => [...encoder.encode(samples.subarray(2 * from, 2 * to))])).toEqual([
          ...allCode,
        ])
      }),
      { numRuns: 20 },
    )
  })

  it('makes two samples of every byte, whatever the bytes, and comes back to silence', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const decoder = new G722Decoder()
        expect(decoder.decode(bytes).length).toBe(2 * bytes.length)
        const silence = new G722Encoder().encode(new Int16Array(RATE_HZ))
        expect(Math.max(...decoder.decode(silence).slice(-4000).map(Math.abs))).toBeLessThan(100)
      }),
      { numRuns: 30 },
    )
  })

  it('does not turn over at full scale', () => {
    const square = Int16Array.from({ length: 3200 }, (_, index) => (index % 160 < 80 ? 32_767 : -32_768))
    const heard = through(square)
    for (let half = 5; half < 35; half += 1) {
      const middle = heard[half * 80 + 40 + DELAY_SAMPLES] as number
      expect(Math.sign(middle), `half wave ${half}`).toBe(half % 2 === 0 ? 1 : -1)
      expect(Math.abs(middle)).toBeGreaterThan(28_000)
    }
  })

  it('leaves a last sample without a pair out', () => {
    expect(new G722Encoder().encode(new Int16Array(5)).length).toBe(2)
    expect(new G722Encoder().encode(new Int16Array()).length).toBe(0)
    expect(new G722Decoder().decode(new Uint8Array()).length).toBe(0)
  })
})
