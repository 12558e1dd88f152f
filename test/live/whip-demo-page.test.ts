import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planTones } from '../../src/caller/tones.ts'
import { waitFor } from '../support/wait-for.ts'
import { PublishingBrowser } from './support/publishing-browser.ts'
import { WhipServer } from './support/whip-server.ts'

const PLAN = planTones({ durationMs: 60_000, leg: 0, seed: Number(process.env.SEED ?? 7) })
const RECORDED_MS = 3_000
/** From the press of a button to the first packet, and from the other to the last. */
const PRESSED_MS = 1_000

const live = new WhipServer({ POULSEN_WEBRTC_DEMO: 'on' })
let browser: PublishingBrowser

beforeAll(async () => {
  await live.start()
  browser = await PublishingBrowser.open(PLAN)
})
afterAll(async () => {
  await browser?.close()
  await live.dispose()
})

/** The tests are compiled without the types of a browser. */
interface Player {
  play(): Promise<void>
  readonly currentTime: number
  readonly duration: number
}

const pageUrl = (token: string): string =>
  new URL(`/whip/demo#project=${live.credentials.projectId}&token=${token}`, live.server.url).href

/** The page, open, and what the browser has to complain of. */
const openPage = async (token: string): Promise<{ readonly page: Page; readonly complaints: string[] }> => {
  const page = await browser.blank(live.server.url)
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(pageUrl(token))
  return { page, complaints }
}

/** The page says this of its state. */
const says = (page: Page, words: string) => page.getByRole('status').filter({ hasText: words }).waitFor()

const secondsOf = async (page: Page): Promise<number> => {
  const [minutes = 0, seconds = 0] = ((await page.getByRole('timer').textContent()) ?? '').split(':').map(Number)
  return minutes * 60 + seconds
}

describe('the demo page', () => {
  it('records the microphone and plays the recording', async () => {
    const { page, complaints } = await openPage(live.credentials.token)
    await page.getByRole('button', { name: 'Record' }).click()
    await says(page, 'Recording')
    const seconds = await waitFor(async () => {
      const now = await secondsOf(page)
      return now * 1000 >= RECORDED_MS ? now : undefined
    })
    await page.getByRole('button', { name: 'Stop' }).click()
    await says(page, 'Recorded')

    const recording = JSON.parse((await page.locator('pre').textContent()) ?? '')
    const details = await live.onlyFinal()
    expect(recording.id).toBe(details.id)
    expect(details).toMatchObject({ status: 'completed', call: { to: 'demo-page', end_reason: 'hangup' } })

    const player = page.locator('audio')
    await player.evaluate((audio: unknown) => (audio as Player).play())
    await waitFor(() => player.evaluate((audio: unknown) => (audio as Player).currentTime > 0.3 || undefined))
    const duration = await player.evaluate((audio: unknown) => (audio as Player).duration)
    expect(duration * 1000).toBeCloseTo(details.duration_ms, -1)
    expect(Math.abs(duration - seconds) * 1000).toBeLessThan(PRESSED_MS)
    const links = await page.locator('a').evaluateAll((all) => all.map(String))
    const types = await Promise.all(links.map(async (link) => (await fetch(link)).headers.get('content-type')))
    expect(types).toEqual(['audio/wav', 'audio/ogg'])
    expect(complaints).toEqual([])
  }, 60_000)

  it('says in a sentence what the server refuses', async () => {
    const { page } = await openPage('PTwrong')
    await page.getByRole('button', { name: 'Record' }).click()
    await page.getByRole('alert').filter({ hasText: 'The server does not accept this project id' }).waitFor()
    await says(page, 'Ready')
    expect(await page.getByRole('button', { name: 'Record' }).isEnabled()).toBe(true)
  }, 30_000)

  it('is closed to everything that it does not bring itself', async () => {
    const response = await fetch(pageUrl(''))
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
  })

  it('is not there unless it is switched on', async () => {
    const other = new WhipServer()
    await other.start()
    try {
      const { status, headers } = await fetch(new URL('/whip/demo', other.server.url))
      expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    } finally {
      await other.dispose()
    }
  })
})
