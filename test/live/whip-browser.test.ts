import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { planTones } from '../../src/caller/tones.ts'
import { waitFor } from '../support/wait-for.ts'
import type { WireDetails } from './support/live-server.ts'
import { PublishingBrowser } from './support/publishing-browser.ts'
import { hearPart } from './support/tones-heard.ts'
import { WhipServer } from './support/whip-server.ts'

const PLAN = planTones({ durationMs: 60_000, leg: 0, seed: Number(process.env.SEED ?? 5) })
const PUBLISHED_MS = 5_000
const ONSET_MAX_MS = 40
const CONSENT_MS = 30_000

const live = new WhipServer()
let browser: PublishingBrowser

beforeAll(async () => {
  await live.start()
  browser = await PublishingBrowser.open(PLAN)
})
afterEach(async () => {
  if (live.server.url) await live.clear()
})
afterAll(async () => {
  await browser?.close()
  await live.dispose()
})

/** Waits until so much of the one recording is there. */
const grown = (milliseconds: number): Promise<number> =>
  waitFor(async () => {
    const [recording] = await live.list()
    const response = recording && (await fetch(recording.url, { method: 'HEAD' }))
    const bytes = Number(response?.headers.get('content-length') ?? 0)
    return bytes > (milliseconds * 96_000) / 1000 ? bytes : undefined
  }, milliseconds + 20_000)

/** What is wrong with the sounds of a recording; nothing when all that were published are in their places. */
const complaintsOf = async (recording: WireDetails): Promise<readonly string[]> => {
  const { samples, sampleRateHz } = await live.audio(recording)
  const heard = hearPart(PLAN, samples, sampleRateHz)
  if (!heard) return ['not what was published']
  const { onsets, missing, extra, extraGaps, worstOnsetErrorMs } = heard.comparison
  return [
    ...(onsets.length < 3 ? [`${onsets.length} onsets`] : []),
    ...(worstOnsetErrorMs > ONSET_MAX_MS ? [`an onset is ${worstOnsetErrorMs} ms off`] : []),
    ...missing.map(({ startMs }) => `missing at ${startMs}`),
    ...extra.map(({ startMs }) => `extra at ${startMs}`),
    ...extraGaps.map(({ startMs, durationMs }) => `a gap of ${durationMs} ms at ${startMs}`),
  ]
}

describe('a browser', () => {
  it('publishes its microphone, and every sound is in its place', async () => {
    const page = await browser.page(live.server.url)
    const published = await page.publish({ url: live.endpoint(), token: live.credentials.token })
    expect(published.status).toBe(201)
    await page.connected()
    await grown(PUBLISHED_MS)
    await page.hangUp()
    const recording = await live.onlyFinal()
    expect(recording).toMatchObject({ status: 'completed', stereo: false, track: 'inbound' })
    expect(recording.error_code).toBeUndefined()
    expect(recording.relay_webrtc_leg_id).toBe(recording.call?.call_id)
    expect(recording.call).toMatchObject({ to: 'support', end_reason: 'hangup' })
    expect(recording.url).toContain('.wav?')
    const response = await fetch(recording.url)
    expect(response.headers.get('content-type')).toBe('audio/wav')
    expect((await response.arrayBuffer()).byteLength).toBe(recording.byte_size)
    expect(recording.duration_ms).toBeGreaterThanOrEqual(PUBLISHED_MS)
    expect(recording.quality?.streams).toMatchObject([{ lost: 0, late: 0, strangers: 0, invalid: 0, gap_count: 0 }])
    expect(await complaintsOf(recording)).toEqual([])
  }, 60_000)

  it('that is killed ends its recording within the time of consent, with all that it sent', async () => {
    const doomed = await PublishingBrowser.open(PLAN)
    const page = await doomed.page(live.server.url)
    await page.publish({ url: live.endpoint(), token: live.credentials.token })
    await page.connected()
    await grown(2_000)
    const killedAtMs = Date.now()
    doomed.kill()
    const recording = await live.onlyFinal(CONSENT_MS + 10_000)
    expect(Date.now() - killedAtMs).toBeLessThan(CONSENT_MS + 5_000)
    expect(recording).toMatchObject({ status: 'completed', error_code: 'media_timeout' })
    expect(await complaintsOf(recording)).toEqual([])
    await doomed.close()
  }, 90_000)
})
