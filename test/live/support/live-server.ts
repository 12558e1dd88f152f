import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeWav } from '../../../src/audio/transcode/decode-wav.ts'
import { type Credentials, makeCredentials, type RunningServer, startServer } from '../../acceptance/support/server.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A recording as the relay API shows it. */
export interface WireRecording {
  readonly id: string
  readonly status: string
  readonly error_code?: string
  readonly duration_in_seconds: number
  readonly url: string
  readonly stereo: boolean
  readonly byte_size?: number
  readonly track: string
  readonly relay_sip_leg_id?: string
  readonly relay_pstn_leg_id?: string
  readonly relay_webrtc_leg_id?: string
}

/** A recording with its call, as our own API shows it. */
export interface WireDetails extends WireRecording {
  readonly duration_ms: number
  readonly codec?: string
  readonly call?: { readonly call_id: string; readonly end_reason?: string; readonly from: string }
  readonly quality?: {
    readonly streams: readonly Readonly<Record<string, number>>[]
    readonly gaps: readonly { readonly start_ms: number; readonly duration_ms: number; readonly stream?: number }[]
  }
}

/** A real server that takes calls on loopback, over a folder of its own that outlives its restarts. */
export class LiveServer {
  readonly dataDir: string
  readonly credentials: Credentials
  readonly #environment: Readonly<Record<string, string>>
  #server: RunningServer | undefined

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'poulsen-live-'))
    this.credentials = makeCredentials()
    this.#environment = { POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0', ...environment }
  }

  async start(): Promise<void> {
    this.#server = await startServer(this.dataDir, this.credentials, this.#environment)
  }

  get server(): RunningServer {
    if (!this.#server) throw new Error('the server is not running')
    return this.#server
  }

  /** Port of the first listener of a transport. */
  sipPort(transport: 'udp' | 'tcp' | 'tls' = 'udp'): number {
    const found = new RegExp(`${transport}:[0-9.]+:(\\d+)`).exec(this.server.output())
    if (!found?.[1]) throw new Error(`no ${transport} listener: ${this.server.output()}`)
    return Number(found[1])
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(new URL(path, this.server.url), {
      headers: { authorization: this.credentials.authorization },
    })
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  /** Every recording of the project. */
  async list(): Promise<readonly WireRecording[]> {
    return (await this.get<{ data: readonly WireRecording[] }>('/api/relay/rest/recordings?page_size=1000')).data
  }

  details(id: string): Promise<WireDetails> {
    return this.get<WireDetails>(`/v1/recordings/${id}`)
  }

  /** Deletes a recording. */
  async remove(id: string): Promise<void> {
    const { authorization } = this.credentials
    const url = new URL(`/api/relay/rest/recordings/${id}`, this.server.url)
    const { status } = await fetch(url, { method: 'DELETE', headers: { authorization } })
    if (status !== 204) throw new Error(`DELETE ${id}: ${status}`)
  }

  /** The recording of a call whose Call-ID is a UUID, once it is final. */
  async finalOf(callId: string, deadlineMs = 15_000): Promise<WireDetails> {
    const found = await waitFor(async () => {
      const recording = (await this.list()).find((each) => legIdOf(each) === callId)
      return recording && !['recording', 'paused'].includes(recording.status) ? recording : undefined
    }, deadlineMs)
    return this.details(found.id)
  }

  /** The audio at a recording's URL. */
  async bytes(url: string): Promise<Buffer> {
    const response = await fetch(url)
    if (response.status !== 200) throw new Error(`${url}: ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  }

  /** The first channel of a recording, decoded; Opus by way of the derived WAV. */
  async audio(recording: WireRecording): Promise<{ readonly samples: Float32Array; readonly sampleRateHz: number }> {
    const bytes = await this.bytes(recording.url.replace('.ogg?', '.wav?'))
    return decodeFirstChannel(bytes)
  }

  /** SIGTERM, and waits. */
  stop(): Promise<number | null> {
    return this.server.stop()
  }

  async dispose(): Promise<void> {
    await this.#server?.kill()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

const legIdOf = (recording: WireRecording): string | undefined =>
  recording.relay_sip_leg_id ?? recording.relay_pstn_leg_id ?? recording.relay_webrtc_leg_id

/** Decodes a WAV's first channel. */
export const decodeFirstChannel = async (
  bytes: Uint8Array,
): Promise<{ readonly samples: Float32Array; readonly sampleRateHz: number }> => {
  const blocks: Float32Array[] = []
  let sampleRateHz = 0
  const source = (async function* () {
    yield bytes
  })()
  for await (const block of decodeWav(source)) {
    sampleRateHz = block.sampleRateHz
    blocks.push(block.channels[0] as Float32Array)
  }
  const samples = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const block of blocks) {
    samples.set(block, at)
    at += block.length
  }
  return { samples, sampleRateHz }
}
