import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { type OpusEncoderOptions, openOpusDecoder, openOpusEncoder } from './opus-codec.ts'
import { opusDurationTicks } from './opus-packet.ts'

const TICKS_PER_MS = 48
/** What encoder and decoder together hold sound back, in samples at 48 kHz: 6.5 ms (2.5 ms at low delay). */
const DELAY_TICKS = 312

const tone = (ticks: number, hz: number, channels: number): Int16Array =>
  Int16Array.from({ length: ticks * channels }, (_, index) =>
    Math.round(8000 * Math.sin((2 * Math.PI * hz * Math.floor(index / channels)) / 48_000)),
  )

const openEncoder = async (options: OpusEncoderOptions) => {
  const encoder = await openOpusEncoder(options)
  onTestFinished(() => encoder.free())
  return encoder
}

const openDecoder = async (channels: 1 | 2) => {
  const decoder = await openOpusDecoder({ channels })
  onTestFinished(() => decoder.free())
  return decoder
}

/** A second of samples, cut into packets. */
const packetsOf = async (options: OpusEncoderOptions, samples: Int16Array): Promise<readonly Uint8Array[]> => {
  const encoder = await openEncoder(options)
  const frame = options.frameMs * TICKS_PER_MS * options.channels
  return Array.from({ length: Math.floor(samples.length / frame) }, (_, index) =>
    encoder.encode(samples.subarray(index * frame, (index + 1) * frame)),
  )
}

it.each([
  [1, 2.5, 'audio'],
  [1, 20, 'voip'],
  [2, 20, 'audio'],
  [2, 60, 'voip'],
  [2, 10, 'low-delay'],
] as const)('carries a tone: %i channels, %d ms, %s', async (channels, frameMs, application) => {
  const sent = tone(48_000, 400, channels)
  const packets = await packetsOf({ channels, frameMs, application, bitrateBps: 64_000 }, sent)
  expect(packets.map(opusDurationTicks)).toEqual(packets.map(() => frameMs * TICKS_PER_MS))
  const decoder = await openDecoder(channels)
  const heard = packets.flatMap((packet) => [...(decoder.decode(packet) ?? [])])
  expect(heard.length).toBe(packets.length * frameMs * TICKS_PER_MS * channels)
  const delay = channels * (application === 'low-delay' ? 120 : DELAY_TICKS)
  const [from, to] = [channels * 12_000, channels * 40_000]
  let [signal, noise] = [0, 0]
  for (let index = from; index < to; index += 1) {
    signal += (sent[index] ?? 0) ** 2
    noise += ((sent[index] ?? 0) - (heard[index + delay] ?? 0)) ** 2
  }
  expect(10 * Math.log10(signal / noise)).toBeGreaterThan(12)
})

it('spends the bits that it is given, more with what repairs losses, and nearly none on silence', async () => {
  const bytesOf = async (options: Partial<OpusEncoderOptions>, samples = tone(48_000, 300, 1)) =>
    (await packetsOf({ channels: 1, frameMs: 20, ...options }, samples)).reduce((sum, { length }) => sum + length, 0)
  const usual = await bytesOf({})
  expect(usual).toBeGreaterThan(1500)
  expect(usual).toBeLessThan(6000)
  expect(await bytesOf({ bitrateBps: 12_000 })).toBeLessThan(usual)
  expect(await bytesOf({ dtx: true }, new Int16Array(48_000))).toBeLessThan(600)
  const [plain, repeated] = await Promise.all(
    [0, 20].map((fecForLossPercent) =>
      packetsOf({ channels: 1, frameMs: 20, bitrateBps: 16_000, fecForLossPercent }, tone(48_000, 300, 1)),
    ),
  )
  expect(repeated).not.toEqual(plain)
})

it('conceals as long as it is asked to, then goes on', async () => {
  const packets = await packetsOf({ channels: 1, frameMs: 20 }, tone(48_000, 400, 1))
  const decoder = await openDecoder(1)
  for (const packet of packets.slice(0, 10)) decoder.decode(packet)
  const concealed = decoder.conceal(960)
  expect(concealed.length).toBe(960)
  expect(Math.max(...concealed)).toBeGreaterThan(4000)
  expect(decoder.conceal(120).length).toBe(120)
  expect(decoder.decode(packets[12] as Uint8Array)?.length).toBe(960)
})

it('refuses a frame length that Opus has not', async () => {
  await expect(openOpusEncoder({ channels: 1, frameMs: 30 })).rejects.toThrow('frameSize')
})

it('takes any bytes that opusDurationTicks takes, and only those', async () => {
  const decoder = await openDecoder(2)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const ticks = opusDurationTicks(bytes)
      expect(decoder.decode(bytes)?.length).toBe(ticks === undefined ? undefined : 2 * ticks)
    }),
  )
})
