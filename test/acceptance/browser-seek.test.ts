import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from './support/browser.ts'
import { useServer } from './support/suite.ts'
import { mulawToneOf } from './support/wav.ts'

/** What is used of the browser's element; its own types belong to the browser's world. */
interface AudioElement {
  currentTime: number
  readonly duration: number
  readonly seeking: boolean
  readonly error: object | null
  play(): Promise<void>
}

/** One answer to the browser's player. */
interface MediaAnswer {
  readonly status: number
  readonly firstByte: number
  readonly byteSize: number
}

const suite = useServer()
const INSTALL_DEADLINE_MS = 600_000
/** A browser takes a short recording whole at once and never asks for a range: this one is longer than its buffer. */
const SECONDS = 900
const SEEK_TO_SECONDS = 800
const GOES_ON_SECONDS = 1

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
}, INSTALL_DEADLINE_MS)
afterAll(() => browser?.close())

describe('a seek in a long recording', () => {
  it.each(['wav', 'mp3'])('of .%s asks for the bytes there and plays on', { timeout: 60_000 }, async (extension) => {
    const { url } = await suite.client.store(mulawToneOf(SECONDS))
    const page = await browser.newPage()
    const answers: MediaAnswer[] = []
    page.on('response', (response) => {
      const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers()['content-range'] ?? '')
      if (response.url().includes('/files/')) {
        answers.push({ status: response.status(), firstByte: Number(range?.[1]), byteSize: Number(range?.[2]) })
      }
    })
    await page.goto(`${suite.client.url}/healthz`)
    await page.setContent(`<audio muted src="${String(url).replace('.wav?', `.${extension}?`)}"></audio>`)
    const audio = page.locator('audio')
    const currentTime = () => audio.evaluate((element: AudioElement) => element.currentTime)
    await audio.evaluate((element: AudioElement) => element.play())
    await expect.poll(currentTime, { timeout: 20_000 }).toBeGreaterThan(0.2)
    const duration = await audio.evaluate((element: AudioElement) => element.duration)
    expect(Math.abs(duration - SECONDS)).toBeLessThan(0.05)
    const askedBefore = answers.length
    await audio.evaluate((element: AudioElement, seconds) => {
      element.currentTime = seconds
    }, SEEK_TO_SECONDS)
    await expect.poll(() => audio.evaluate((element: AudioElement) => element.seeking)).toBe(false)
    const landed = await currentTime()
    expect(landed).toBeGreaterThanOrEqual(SEEK_TO_SECONDS)
    await expect.poll(currentTime, { timeout: 10_000 }).toBeGreaterThan(landed + GOES_ON_SECONDS)
    expect(await audio.evaluate((element: AudioElement) => element.error)).toBeNull()
    expect(answers.every(({ status }) => status === 206)).toBe(true)
    const share = answers.slice(askedBefore).map(({ firstByte, byteSize }) => firstByte / byteSize)
    expect(share.some((part) => part > 0.5 && part <= SEEK_TO_SECONDS / SECONDS + 0.01)).toBe(true)
    await page.close()
  })
})
