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

/** Runs in the page: decodes two files, and says how long they are and how alike. */
const decodeBoth = (...urls: readonly string[]): string => `(async () => {
  const context = new OfflineAudioContext(1, 48000, 48000)
  const [a, b] = await Promise.all(${JSON.stringify(urls)}.map(async (url) =>
    context.decodeAudioData(await (await fetch(url)).arrayBuffer())))
  const [left, right] = [a.getChannelData(0), b.getChannelData(0)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let index = 0; index < left.length; index += 1) {
    ab += left[index] * right[index]; aa += left[index] ** 2; bb += right[index] ** 2
  }
  return { seconds: [a.duration, b.duration], likeness: ab / Math.sqrt(aa * bb) }
})()`

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

  it('hears the same in the packets (.ogg) as in the WAV that is made of them', async () => {
    const page = await browser.page(live.server.url)
    await page.publish({ url: live.endpoint(), token: live.credentials.token })
    await page.connected()
    await grown(2_000)
    await page.hangUp()
    const { url, duration_ms } = await live.onlyFinal()
    const heard = await page.run<{ seconds: number[]; likeness: number }>(
      decodeBoth(url, url.replace('.wav?', '.ogg?')),
    )
    for (const seconds of heard.seconds) expect(Math.abs(seconds * 1000 - duration_ms)).toBeLessThan(1)
    expect(heard.likeness).toBeGreaterThan(0.999)
  }, 60_000)

  it('that adds its candidates later, by PATCH, is heard too', async () => {
    const page = await browser.page(live.server.url)
    const published = await page.publish({ url: live.endpoint(), token: live.credentials.token, trickles: true })
    expect(published.status).toBe(201)
    await page.connected()
    expect(await page.run('window.patched')).toBe(204)
    await grown(1_000)
    await page.hangUp()
    expect(await live.onlyFinal()).toMatchObject({ status: 'completed', call: { end_reason: 'hangup' } })
  }, 60_000)

  it('with two tracks is left and right, and with a microphone of two channels stereo', async () => {
    const page = await browser.page(live.server.url)
    await page.publish({ url: live.endpoint(), token: live.credentials.token, tracks: 2 })
    await page.connected()
    await grown(1_500)
    await page.hangUp()
    expect(await live.onlyFinal()).toMatchObject({ status: 'completed', stereo: true, codec: 'pcm_s16le' })
    await live.clear()
    const other = await browser.page(live.server.url)
    await other.publish({ url: live.endpoint(), token: live.credentials.token, isStereo: true })
    await other.connected()
    await grown(1_500)
    await other.hangUp()
    expect(await live.onlyFinal()).toMatchObject({ status: 'completed', stereo: true, codec: 'opus' })
  }, 60_000)

  it('that offers video, or nothing that we know, is told so at once', async () => {
    const page = await browser.page(live.server.url)
    const refused = await page.publish({ url: live.endpoint(), token: live.credentials.token, video: true })
    expect(refused.status).toBe(422)
    expect(refused.body).toContain('only audio is recorded')
    const stranger = await page.publish({ url: live.endpoint(), token: 'PW00' })
    expect(stranger.status).toBe(401)
    expect(await live.list()).toEqual([])
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
