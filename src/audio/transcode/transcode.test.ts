import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { MediaFormat } from '../../domain/media-object.ts'
import { openProbe } from '../probe/probe.ts'
import { decodeWav } from './decode-wav.ts'
import { Resampler } from './resampler.ts'
import { transcode } from './transcode.ts'

/** A coder may place audio this much off: half a codec frame is the most that an ear or a lawyer would not notice. */
const ONSET_TOLERANCE_S = 0.02

const CHUNK_BYTES = 10_000
async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) yield bytes.subarray(offset, offset + CHUNK_BYTES)
}

const convert = async (from: MediaFormat, to: 'wav' | 'mp3', bytes: Uint8Array): Promise<Buffer> => {
  const out: Uint8Array[] = []
  const { header } = await transcode({ from, to }, chunked(bytes), async (part) => void out.push(Uint8Array.from(part)))
  const whole = Buffer.concat(out)
  if (header) whole.set(header)
  return whole
}

const samplesOf = async (wav: Uint8Array): Promise<{ planes: number[][]; rate: number }> => {
  const planes: number[][] = []
  let rate = 0
  for await (const { channels, sampleRateHz } of decodeWav(chunked(wav))) {
    rate = sampleRateHz
    for (const [index, plane] of channels.entries()) {
      planes[index] ??= []
      planes[index].push(...plane)
    }
  }
  return { planes, rate }
}

/** Strength of one frequency, 1 for a full-scale sine (Goertzel). */
const strength = (samples: readonly number[], hz: number, rate: number): number => {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate)
  let [previous, before] = [0, 0]
  for (const sample of samples) [previous, before] = [sample + coefficient * previous - before, previous]
  return (2 * Math.sqrt(previous ** 2 + before ** 2 - coefficient * previous * before)) / samples.length
}

const onset = (samples: readonly number[], rate: number): number =>
  samples.findIndex((sample) => Math.abs(sample) > 0.1) / rate

/** Left: 440 Hz from 0.5 s. Right: 1000 Hz from 1 s. Two seconds, 16 bit. */
const tones = (rate: number): Buffer => {
  const frames = 2 * rate
  const wav = Buffer.alloc(44 + frames * 4)
  readFileSync('test/golden/audio/s16-mono-8k.wav').copy(wav, 0, 0, 36)
  wav.writeUInt32LE(wav.length - 8, 4)
  wav.writeUInt16LE(2, 22)
  wav.writeUInt32LE(rate, 24)
  wav.writeUInt32LE(rate * 4, 28)
  wav.writeUInt16LE(4, 32)
  wav.write('data', 36)
  wav.writeUInt32LE(frames * 4, 40)
  for (let frame = 0; frame < frames; frame += 1) {
    const seconds = frame / rate
    if (seconds >= 0.5) wav.writeInt16LE(Math.round(16_000 * Math.sin(2 * Math.PI * 440 * seconds)), 44 + frame * 4)
    if (seconds >= 1) wav.writeInt16LE(Math.round(16_000 * Math.sin(2 * Math.PI * 1000 * seconds)), 46 + frame * 4)
  }
  return wav
}

const expectTones = async (wav: Buffer, rate: number): Promise<void> => {
  const { planes, rate: found } = await samplesOf(wav)
  expect(found).toBe(rate)
  const [left = [], right = []] = planes
  expect(Math.abs(onset(left, rate) - 0.5)).toBeLessThan(ONSET_TOLERANCE_S)
  expect(Math.abs(onset(right, rate) - 1)).toBeLessThan(ONSET_TOLERANCE_S)
  const late = (samples: readonly number[]) => samples.slice(Math.round(1.2 * rate), Math.round(1.8 * rate))
  expect(strength(late(left), 440, rate)).toBeGreaterThan(0.4)
  expect(strength(late(left), 1000, rate)).toBeLessThan(0.05)
  expect(strength(late(right), 1000, rate)).toBeGreaterThan(0.4)
  expect(strength(late(right), 440, rate)).toBeLessThan(0.05)
}

describe('transcode', () => {
  it.each([
    [8000, 8000],
    [16_000, 16_000],
    [44_100, 44_100],
    [7350, 8000],
    [96_000, 48_000],
  ])('WAV at %i Hz to MP3 and back: onsets, pitches and sides are right', async (rate, mp3Rate) => {
    const mp3 = await convert('wav', 'mp3', tones(rate))
    const probe = openProbe()
    probe.append(mp3)
    const format = probe.finish()
    expect(format).toMatchObject({ format: 'mp3', channels: 2, sampleRateHz: mp3Rate })
    expect(Math.abs(format.durationMs - 2000)).toBeLessThanOrEqual(1)
    await expectTones(await convert('mp3', 'wav', mp3), mp3Rate)
  })

  it.each([
    ['opus-stereo.ogg', 'ogg', 48_000, 1],
    ['mulaw-stereo-8k.wav', 'wav', 8000, 1],
    ['alaw-stereo-8k.wav', 'wav', 8000, 1],
  ] as const)('%s to WAV: length, pitches and sides are right', async (name, from, rate, seconds) => {
    const { planes, rate: found } = await samplesOf(
      await convert(from, 'wav', readFileSync(`test/golden/audio/${name}`)),
    )
    const [left = [], right = []] = planes
    expect(found).toBe(rate)
    expect(Math.abs(left.length / rate - seconds)).toBeLessThan(0.002)
    const [l440, l1000, r440, r1000] = [left, right].flatMap((side) => [
      strength(side, 440, rate),
      strength(side, 1000, rate),
    ])
    expect((l440 ?? 0) / (l1000 ?? 0)).toBeGreaterThan(20)
    expect((r1000 ?? 0) / (r440 ?? 0)).toBeGreaterThan(20)
  })

  it.each([
    ['vorbis-mono.ogg', 'ogg', 1358],
    ['opus-mono.ogg', 'ogg', 1358],
    ['cbr-info-44k.mp3', 'mp3', 1358],
    ['vbr-xing-44k.mp3', 'mp3', 1358],
    ['cbr-bare-44k.mp3', 'mp3', 1384],
    ['cbr-16k.mp3', 'mp3', 1358],
    ['s24-mono-8k.wav', 'wav', 500],
    ['s16-piped.wav', 'wav', 250],
    ['f64-mono-8k.wav', 'wav', 250],
  ] as const)('%s to WAV has the length that the probe read', async (name, from, durationMs) => {
    const probe = openProbe()
    probe.append(await convert(from, 'wav', readFileSync(`test/golden/audio/${name}`)))
    expect(Math.abs(probe.finish().durationMs - durationMs)).toBeLessThanOrEqual(30)
  })

  it('makes a valid empty WAV of an empty one', async () => {
    const probe = openProbe()
    probe.append(await convert('wav', 'wav', tones(8000).subarray(0, 44).fill(0, 40)))
    expect(probe.finish().durationMs).toBe(0)
  })

  it('refuses what cannot be decoded', async () => {
    await expect(convert('mp3', 'wav', Buffer.alloc(5000, 1))).rejects.toMatchObject({ code: 'TRANSCODE_FAILED' })
  })
})

describe('Resampler', () => {
  it('keeps pitch, level and place, in blocks of any size', () => {
    const input = Float32Array.from({ length: 9600 }, (_, index) => Math.sin((2 * Math.PI * 440 * index) / 96_000))
    const resampler = new Resampler(96_000, 48_000)
    const output: number[] = []
    for (let offset = 0; offset < input.length; offset += 777)
      output.push(...resampler.append(input.slice(offset, offset + 777)))
    output.push(...resampler.finish())
    expect(output).toHaveLength(4800)
    for (let index = 100; index < 4700; index += 1) {
      expect(Math.abs((output[index] ?? 0) - Math.sin((2 * Math.PI * 440 * index) / 48_000))).toBeLessThan(0.01)
    }
  })
})
