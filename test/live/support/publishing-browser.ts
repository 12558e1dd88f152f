import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core'
import { formatWavHeader } from '../../../src/audio/containers/wav-writer.ts'
import type { SignalPlan } from '../../../src/caller/signal.ts'
import { renderTones } from '../../../src/caller/tones.ts'
import { requireProgram } from '../../acceptance/support/debian.ts'

const SAMPLE_RATE_HZ = 48_000

/** What a page publishes with. */
export interface PublishOptions {
  readonly url: string
  readonly token: string
  /** Audio tracks; 1 unless said. */
  readonly tracks?: number
  readonly isStereo?: boolean
  readonly video?: boolean
  /** Candidates go by PATCH, not in the offer. */
  readonly trickles?: boolean
}

/** What the server answered. */
export interface Published {
  readonly status: number
  readonly location: string | undefined
  readonly etag: string | undefined
  readonly body: string
}

/** A headless browser whose microphone plays a plan of tones, once, from the moment at which it is opened. */
export class PublishingBrowser {
  readonly #server: BrowserServer
  readonly #browser: Browser
  readonly #folder: string

  private constructor(server: BrowserServer, browser: Browser, folder: string) {
    this.#server = server
    this.#browser = browser
    this.#folder = folder
  }

  static async open(plan: SignalPlan, channels = 1): Promise<PublishingBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-microphone-'))
    const file = join(folder, 'tones.wav')
    writeFileSync(file, toneFile(plan, channels))
    const server = await chromium.launchServer({
      executablePath: requireProgram('/usr/bin/chromium', 'chromium'),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--autoplay-policy=no-user-gesture-required',
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-audio-capture=${file}%noloop`,
      ],
    })
    return new PublishingBrowser(server, await chromium.connect(server.wsEndpoint()), folder)
  }

  /** A page of an origin that may use the microphone. */
  async page(origin: string): Promise<PublishingPage> {
    const page = await this.blank(origin)
    await page.goto(`${origin}/healthz`)
    return new PublishingPage(page)
  }

  /** A page that has not gone anywhere yet; the origin may use the microphone in it. */
  async blank(origin: string): Promise<Page> {
    const context = await this.#browser.newContext()
    await context.grantPermissions(['microphone', 'camera'], { origin })
    return context.newPage()
  }

  /** As if its machine had lost power. */
  kill(): void {
    const { pid } = this.#server.process()
    for (const each of [...descendantsOf(pid ?? 0), pid ?? 0]) {
      try {
        process.kill(each, 'SIGKILL')
      } catch {}
    }
  }

  async close(): Promise<void> {
    await this.#browser.close().catch(() => {})
    await this.#server.close().catch(() => {})
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Every process that was started by this one, or by one of those. */
const descendantsOf = (pid: number): readonly number[] => {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const below = (parent: number): readonly number[] =>
    table.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

const toneFile = (plan: SignalPlan, channels: number): Uint8Array => {
  const frames = Math.round((plan.durationMs * SAMPLE_RATE_HZ) / 1000)
  const mono = new Int16Array(frames)
  renderTones(plan, SAMPLE_RATE_HZ)(0, mono)
  const samples = new Int16Array(frames * channels)
  for (let frame = 0; frame < frames; frame += 1) samples[frame * channels] = mono[frame] as number
  if (channels === 1) samples.set(mono)
  const dataBytes = samples.byteLength
  const header = formatWavHeader({ codec: 'pcm_s16le', channels, sampleRateHz: SAMPLE_RATE_HZ, dataBytes })
  return Buffer.concat([header, new Uint8Array(samples.buffer)])
}

/** One page and the peer connection in it. */
export class PublishingPage {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  /** Publishes the microphone. */
  publish(options: PublishOptions): Promise<Published> {
    return this.#page.evaluate(publishInPage, options)
  }

  /** The page does something with `window.peer` and `window.session`. */
  run<T>(script: string): Promise<T> {
    return this.#page.evaluate(script) as Promise<T>
  }

  /** Resolves when the peer connection is connected. */
  async connected(): Promise<void> {
    await this.#page.waitForFunction('window.peer.connectionState === "connected"', undefined, { timeout: 15_000 })
  }

  /** `pc.close()`, as a page that is left does. */
  async hangUp(): Promise<void> {
    await this.#page.evaluate('window.peer.close()')
  }

  async screenshot(path: string): Promise<void> {
    await this.#page.screenshot({ path })
  }
}

/** Runs in the browser: nothing of this module is there. */
const publishInPage = async (options: PublishOptions): Promise<Published> => {
  const { url, token, tracks = 1, isStereo = false, video = false, trickles = false } = options
  const scope = globalThis as unknown as Record<string, unknown>
  // The tests are compiled without the types of a browser.
  const { navigator, RTCPeerConnection } = globalThis as never as {
    navigator: { mediaDevices: { getUserMedia(constraints: object): Promise<{ getTracks(): { kind: string }[] }> } }
    RTCPeerConnection: new (
      options: object,
    ) => {
      addTransceiver(track: unknown, options: object): void
      createOffer(): Promise<{ type: string; sdp: string }>
      setLocalDescription(description: object): Promise<void>
      setRemoteDescription(description: object): Promise<void>
      addEventListener(name: string, listener: (event: { candidate?: { candidate: string } | null }) => void): void
      readonly localDescription: { readonly sdp: string }
      readonly iceGatheringState: string
    }
  }
  const audio = {
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    channelCount: isStereo ? 2 : 1,
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio, video })
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
  scope.peer = peer
  scope.stream = stream
  const all = stream.getTracks()
  for (let index = 0; index < tracks; index += 1)
    for (const track of all) peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
  const candidates: string[] = []
  const gathered = new Promise<void>((resolve) => {
    peer.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate) candidates.push(candidate.candidate)
      else if (candidate === null) resolve()
    })
  })
  const offer = await peer.createOffer()
  const sdp = isStereo ? offer.sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1;sprop-stereo=1') : offer.sdp
  await peer.setLocalDescription({ type: 'offer', sdp })
  if (!trickles) await gathered
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` },
    body: trickles ? sdp : peer.localDescription.sdp,
  })
  const body = await response.text()
  const location = response.headers.get('location') ?? undefined
  const etag = response.headers.get('etag') ?? undefined
  if (response.status === 201) {
    await peer.setRemoteDescription({ type: 'answer', sdp: body })
    scope.session = { location, etag, token }
    if (trickles) {
      await gathered
      const ufrag = /a=ice-ufrag:(\S+)/.exec(sdp)?.[1]
      const pwd = /a=ice-pwd:(\S+)/.exec(sdp)?.[1]
      const fragment = [
        `a=ice-ufrag:${ufrag}`,
        `a=ice-pwd:${pwd}`,
        'm=audio 9 UDP/TLS/RTP/SAVPF 0',
        'a=mid:0',
        ...candidates.map((each) => `a=${each}`),
        'a=end-of-candidates',
        '',
      ].join('\r\n')
      const patched = await fetch(location as string, {
        method: 'PATCH',
        headers: {
          'content-type': 'application/trickle-ice-sdpfrag',
          authorization: `Bearer ${token}`,
          'if-match': etag as string,
        },
        body: fragment,
      })
      scope.patched = patched.status
    }
  }
  return { status: response.status, location, etag, body }
}
