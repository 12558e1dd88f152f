import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readOggPackets } from '../../src/audio/containers/ogg-packets.ts'
import { callerCodecs } from '../../src/caller/caller-codecs.ts'
import type { FrameSource } from '../../src/caller/frame-source.ts'
import { openFrameSource } from '../../src/caller/open-frame-source.ts'
import { Pacer } from '../../src/caller/pacer.ts'
import type { SignalPlan } from '../../src/caller/signal.ts'
import { planTones } from '../../src/caller/tones.ts'
import { type Publishing, type PublishOptions, publish } from '../../src/caller/whip-publisher.ts'
import { waitFor } from '../support/wait-for.ts'
import { decodeChannels } from './support/channels.ts'
import type { WireDetails } from './support/live-server.ts'
import { hearPart } from './support/tones-heard.ts'
import { WhipServer } from './support/whip-server.ts'

const TRACK = { durationMs: 5_000, leg: 0, seed: 3 }
const WAV_RATE_HZ = 16_000
const ONSET_MAX_MS = 40
/** Of two tracks that began together. */
const APART_MAX_MS = 20
/** So long after a gap an Opus decoder may be finding its way back. */
const RECOVERY_MS = 60

const live = new WhipServer()
const narrow = new WhipServer({ POULSEN_WEBRTC_WAV_RATE: String(WAV_RATE_HZ) })
const pacer = new Pacer()
beforeAll(() => live.start())
afterEach(() => live.clear())
afterAll(async () => {
  await live.dispose()
  await narrow.dispose()
})

const publishing = async (options: Omit<PublishOptions, 'url' | 'token'>, to = live): Promise<Publishing> => {
  const session = await publish({ url: to.endpoint(), token: to.credentials.token, ...options }, pacer)
  if ('status' in session) throw new Error(`${session.status} ${session.body}`)
  return session
}

/** Publishes to the end and takes leave. */
const published = async (options: Omit<PublishOptions, 'url' | 'token'>, to = live): Promise<WireDetails> => {
  const session = await publishing(options, to)
  await session.done
  expect(await session.unpublish()).toBe(200)
  // The answer to the DELETE came when it was final.
  const [recording] = await to.list()
  return to.details(recording?.id ?? '')
}

/** Every channel of a recording's `url`, which must be as long as it says. */
const heardBy = async (recording: WireDetails, to = live) => {
  const bytes = await to.bytes(recording.url)
  expect(bytes.length).toBe(recording.byte_size)
  return decodeChannels(bytes)
}

/** Where a track begins in a channel, every sound of it being in its place; sounds in or right behind a gap are left out. */
const beginOf = (
  plan: SignalPlan,
  samples: Float32Array | undefined,
  sampleRateHz: number,
  gaps: NonNullable<WireDetails['quality']>['gaps'] = [],
): number => {
  const heard = hearPart(plan, samples ?? new Float32Array(0), sampleRateHz)
  if (!heard) throw new Error('not what was published')
  const isClear = ({ startMs }: { readonly startMs: number }) =>
    gaps.every((gap) => startMs < gap.start_ms - RECOVERY_MS || startMs > gap.start_ms + gap.duration_ms + RECOVERY_MS)
  const { onsets, missing, extra } = heard.comparison
  const clear = onsets.filter(isClear)
  expect(clear.length).toBeGreaterThan(2)
  expect(clear.filter(({ errorMs }) => Math.abs(errorMs) > ONSET_MAX_MS)).toEqual([])
  expect(missing.filter(isClear)).toEqual([])
  expect(extra.filter(isClear)).toEqual([])
  return heard.fromMs
}

describe('published tracks', () => {
  it('of two are left and right, side by side', async () => {
    const tracks = [0, 1].map((leg) => ({ ...TRACK, leg }))
    const recording = await published({ tracks })
    expect(recording).toMatchObject({ status: 'completed', stereo: true, codec: 'pcm_s16le', sample_rate_hz: 48_000 })
    expect(recording.url).toContain('.wav?')
    const { channels, sampleRateHz } = await heardBy(recording)
    const begins = tracks.map((track, index) => beginOf(planTones(track), channels[index], sampleRateHz))
    expect(Math.abs((begins[0] ?? 0) - (begins[1] ?? 0))).toBeLessThan(APART_MAX_MS)
  }, 30_000)

  it('of four are four channels', async () => {
    const tracks = [0, 1, 2, 3].map((leg) => ({ ...TRACK, leg }))
    const recording = await published({ tracks })
    expect(recording).toMatchObject({ status: 'completed', stereo: false, channels: 4 })
    const { channels, sampleRateHz } = await heardBy(recording)
    expect(channels).toHaveLength(4)
    for (const [index, track] of tracks.entries()) beginOf(planTones(track), channels[index], sampleRateHz)
  }, 30_000)
})

describe('one published track', () => {
  it('of two channels is stereo, whether the offer says so or not', async () => {
    for (const saysStereo of [true, false]) {
      const recording = await published({ tracks: [TRACK], saysStereo })
      expect(recording).toMatchObject({ status: 'completed', stereo: true, channels: 2, format: 'ogg', codec: 'opus' })
      const { channels, sampleRateHz } = await heardBy(recording)
      expect(channels).toHaveLength(2)
      for (const samples of channels) beginOf(planTones(TRACK), samples, sampleRateHz)
      await live.clear()
    }
  }, 30_000)

  it('is kept packet by packet', async () => {
    const sent: Buffer[] = []
    const [codec] = callerCodecs(['opus'])
    if (!codec) throw new Error('no Opus')
    const source = await openFrameSource(codec, planTones(TRACK), 20)
    const frames: FrameSource = {
      frame: (index) => {
        const bytes = source.frame(index)
        sent[index] = Buffer.from(bytes)
        return bytes
      },
      free: () => source.free(),
    }
    const recording = await published({ tracks: [{ ...TRACK, frames }] })
    const ogg = await live.bytes(recording.url.replace('.wav?', '.ogg?'))
    const packets = await Array.fromAsync(
      readOggPackets(
        (async function* () {
          yield ogg
        })(),
      ),
    )
    expect(packets.slice(2).map((packet) => Buffer.from(packet))).toEqual(sent)
    expect(ogg.subarray(28, 36).toString()).toBe('OpusHead')
    expect(ogg[37]).toBe(2)
  }, 30_000)

  it('whose packets are lost has a marked gap for each, and the rest in its place', async () => {
    const recording = await published({
      tracks: [{ ...TRACK, durationMs: 8_000, impairments: { lossRatio: 0.05, lossBurstPackets: 2 } }],
    })
    const [stream] = recording.quality?.streams ?? []
    const gaps = recording.quality?.gaps ?? []
    expect(stream?.lost).toBeGreaterThan(5)
    expect(gaps.length).toBe(stream?.gap_count)
    expect(stream?.gap_ms).toBe(20 * (stream?.lost ?? 0))
    const { channels, sampleRateHz } = await heardBy(recording)
    beginOf(planTones({ ...TRACK, durationMs: 8_000 }), channels[0], sampleRateHz, gaps)
  }, 30_000)

  it('that sends nothing for a while (DTX, a muted page) stays in time', async () => {
    const hold = { fromMs: 2_000, toMs: 4_000, timestamps: 'go-on' } as const
    const track = { ...TRACK, durationMs: 7_000, impairments: { holds: [hold] } }
    const recording = await published({ tracks: [track] })
    expect(recording.duration_ms).toBeGreaterThan(6_900)
    expect(recording.quality?.gaps).toMatchObject([{ duration_ms: 2_000 }])
    const { channels, sampleRateHz } = await heardBy(recording)
    beginOf(planTones(track), channels[0], sampleRateHz, recording.quality?.gaps)
  }, 30_000)

  it('can be heard while it is published, and is longer each time', async () => {
    const session = await publishing({ tracks: [TRACK] })
    const sizes: number[] = []
    while (sizes.length < 3) {
      const bytes = await waitFor(async () => {
        const [recording] = await live.list()
        expect(recording).toMatchObject({ status: 'recording' })
        expect(recording?.byte_size).toBeUndefined()
        const found = await live.bytes(recording?.url ?? '')
        return found.length > (sizes.at(-1) ?? 44) ? found : undefined
      }, 10_000)
      expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44)
      sizes.push(bytes.length)
    }
    await session.done
    await session.unpublish()
    const [recording] = await live.list()
    expect(recording?.byte_size).toBeGreaterThan(sizes.at(-1) ?? 0)
  }, 30_000)

  it('is a WAV of the rate that was set', async () => {
    await narrow.start()
    const recording = await published({ tracks: [TRACK] }, narrow)
    const { channels, sampleRateHz } = await heardBy(recording, narrow)
    expect(sampleRateHz).toBe(WAV_RATE_HZ)
    beginOf(planTones(TRACK), channels[0], sampleRateHz)
  }, 30_000)

  it('of a publish token has the leg and the metadata that it was made with', async () => {
    const legId = '5f0c2e2e-6a37-4c0e-9b43-0d9a3c8f7a11'
    const metadata = { agent: '42', 'call reason': 'zażółć gęślą jaźń' }
    const { token, url } = await live.publishToken({ endpoint: 'desk-7', leg_id: legId, metadata })
    const session = await publish({ url, token, tracks: [{ ...TRACK, durationMs: 1_000 }] }, pacer)
    if ('status' in session) throw new Error(session.body)
    await session.done
    expect(await session.unpublish()).toBe(200)
    const [recording] = await live.list()
    const details = await live.details(recording?.id ?? '')
    expect(details).toMatchObject({ relay_webrtc_leg_id: legId, call: { call_id: legId, to: 'desk-7', metadata } })
  }, 30_000)
})
