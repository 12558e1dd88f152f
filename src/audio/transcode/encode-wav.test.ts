import { describe, expect, it } from 'vitest'
import { openWavEncoder, wavByteSize } from './encode-wav.ts'

const FULL = 32_767
const bytesOf = (
  encoder: ReturnType<typeof openWavEncoder>,
  blocks: readonly (readonly Float32Array[])[],
  fromHz: number,
) => {
  const body = blocks.flatMap((channels) => encoder.append({ channels, sampleRateHz: fromHz }))
  const { bytes, header } = encoder.finish()
  const whole = Buffer.concat([...body, ...bytes])
  if (header) whole.set(header)
  return whole
}

describe('a WAV', () => {
  it('has the samples of its channels in turn, cut to what sixteen bits hold', () => {
    const planes = [Float32Array.of(0, 0.5, 2), Float32Array.of(1, -1, -2)]
    const wav = bytesOf(openWavEncoder(), [planes], 48_000)
    const samples = Array.from({ length: 6 }, (_, index) => wav.readInt16LE(44 + 2 * index))
    expect(samples).toEqual([0, FULL, 16_384, -FULL - 1, FULL, -FULL - 1])
    expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt32LE(28), wav.readUInt32LE(40)]).toEqual([
      2, 48_000, 192_000, 12,
    ])
  })

  it('has another rate when it is told to, and the same time', () => {
    const wav = bytesOf(openWavEncoder(8_000), [[new Float32Array(4_800)], [new Float32Array(4_800)]], 48_000)
    expect([wav.readUInt32LE(24), wav.readUInt32LE(40), wav.length]).toEqual([8_000, 3_200, 3_244])
  })

  it.each([undefined, 48_000])('of nothing is a header, %s Hz', (rateHz) => {
    const wav = bytesOf(openWavEncoder(rateHz), [], 48_000)
    expect([wav.readUInt32LE(24), wav.readUInt32LE(40), wav.length]).toEqual([rateHz ?? 8_000, 0, 44])
    expect(wavByteSize({ channels: 1, sampleRateHz: 8_000 }, 0, 48_000)).toBe(44)
  })
})
