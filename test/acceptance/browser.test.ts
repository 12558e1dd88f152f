import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from './support/browser.ts'
import { useServer } from './support/suite.ts'
import { mulawToneOf } from './support/wav.ts'

/** What is used of the browser's element; its own types belong to the browser's world. */
interface AudioElement extends EventTarget {
  currentTime: number
  readonly duration: number
  readonly error: object | null
  play(): Promise<void>
}

const suite = useServer()
/** A machine that has no browser yet gets one. */
const INSTALL_DEADLINE_MS = 600_000
const SECONDS = 60
const SEEK_TO_SECONDS = 40

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
}, INSTALL_DEADLINE_MS)
afterAll(() => browser?.close())

describe('in a browser', () => {
  it.each(['mp3', 'wav'])('a phone-system WAV plays as .%s, has its length, and seeks', async (extension) => {
    const { url } = await suite.client.store(mulawToneOf(SECONDS))
    const page = await browser.newPage()
    const statuses: number[] = []
    page.on('response', (response) => {
      if (response.url().includes('/files/')) statuses.push(response.status())
    })
    await page.goto(`${suite.client.url}/healthz`)
    await page.setContent(`<audio muted src="${String(url).replace('.wav?', `.${extension}?`)}"></audio>`)
    const audio = page.locator('audio')
    await audio.evaluate((element: AudioElement) => element.play())
    await expect.poll(() => audio.evaluate((element: AudioElement) => element.currentTime)).toBeGreaterThan(0.2)
    const duration = await audio.evaluate((element: AudioElement) => element.duration)
    expect(Math.abs(duration - SECONDS)).toBeLessThan(0.05)
    const playedTo = await audio.evaluate(async (element: AudioElement, seconds) => {
      const seeked = new Promise((resolve) => element.addEventListener('seeked', resolve, { once: true }))
      element.currentTime = seconds
      await seeked
      await new Promise((resolve) => element.addEventListener('timeupdate', resolve, { once: true }))
      return element.currentTime
    }, SEEK_TO_SECONDS)
    expect(playedTo).toBeGreaterThanOrEqual(SEEK_TO_SECONDS)
    expect(playedTo).toBeLessThan(SEEK_TO_SECONDS + 2)
    expect(await audio.evaluate((element: AudioElement) => element.error)).toBeNull()
    expect(statuses.length).toBeGreaterThan(0)
    expect(statuses.every((status) => status === 206)).toBe(true)
    await page.close()
  })

  it('/docs shows every operation of the API and asks nobody else', async () => {
    const page = await browser.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).origin))
    const faults: Error[] = []
    page.on('pageerror', (error) => faults.push(error))
    await page.goto(`${suite.client.url}/docs`)
    for (const summary of ['Get a recording', 'List recordings, newest first', 'Store finished audio as a recording']) {
      await expect.poll(() => page.getByText(summary).count(), { timeout: 15_000 }).toBeGreaterThan(0)
    }
    expect(faults).toEqual([])
    expect(new Set(asked.filter((origin) => origin.startsWith('http')))).toEqual(new Set([suite.client.url]))
    await page.close()
  })
})
