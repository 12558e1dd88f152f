import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Credentials, makeCredentials, type RunningServer, startServer } from '../../acceptance/support/server.ts'
import { freePort } from '../../support/free-port.ts'

const START_AGAIN_MS = 500
/** A start that meets a frozen S3 waits for it for a while. */
const START_DEADLINE_MS = 60_000
/** Below the ports that the system gives away; each node has its own. */
const RTP_PORTS = ['20000-21999', '22000-23999', '26000-27999']

/** One of several servers over one catalogue and one media store, with a folder of its own that outlives its restarts. */
export class ClusterNode {
  readonly url: string
  readonly dataDir = mkdtempSync(join(tmpdir(), 'poulsen-node-'))
  readonly #credentials: Credentials
  readonly environment: Readonly<Record<string, string>>
  #server: RunningServer | undefined
  #wanted = new AbortController()
  #starting: Promise<void> | undefined
  #log = ''
  /** What failed starts have said. */
  readonly refusals: string[] = []
  /** What a process has said that ended by itself after it had started, each. */
  readonly deaths: string[] = []

  constructor(port: number, credentials: Credentials, environment: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`
    this.#credentials = credentials
    this.environment = { ...environment, POULSEN_PORT: String(port), POULSEN_NODE_URL: this.url }
  }

  /** Starts it, again and again until it runs, as a supervisor does; and again when it ends by itself. */
  async start(): Promise<void> {
    if (this.#wanted.signal.aborted) this.#wanted = new AbortController()
    this.#starting ??= this.#startUntilItRuns(this.#wanted.signal).finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async #startUntilItRuns(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#server) {
      try {
        const options = { signal, deadlineMs: START_DEADLINE_MS }
        const server = await startServer(this.dataDir, this.#credentials, this.environment, options)
        this.#server = server
        void server.ended.then((code) => this.#ended(server, code))
      } catch (error) {
        if (signal.aborted) return
        this.refusals.push(String(error))
        await delay(START_AGAIN_MS)
      }
    }
  }

  #ended(server: RunningServer, code: number | null): void {
    this.#log += server.output()
    if (this.#server !== server) return
    this.#server = undefined
    this.deaths.push(`exit code ${code}: ${server.output()}`)
    void this.start()
  }

  get projectId(): string {
    return this.#credentials.projectId
  }

  get isRunning(): boolean {
    return this.#server !== undefined
  }

  get output(): string {
    return this.#server?.output() ?? ''
  }

  /** What all of its runs have said. */
  get log(): string {
    return this.#log + this.output
  }

  /** UDP port that calls are taken on. */
  get sipPort(): number {
    return Number(/udp:127\.0\.0\.1:(\d+)/.exec(this.output)?.[1])
  }

  /** SIGKILL, and waits; also to one that is about to start. */
  async kill(): Promise<void> {
    await (await this.#takeOut())?.kill()
  }

  /** SIGTERM, and waits; the exit code. */
  async stop(): Promise<number | null | undefined> {
    return (await this.#takeOut())?.stop()
  }

  /** From now on nobody starts it, and whatever becomes of it is wanted. */
  async #takeOut(): Promise<RunningServer | undefined> {
    this.#wanted.abort()
    await this.#starting
    const server = this.#server
    this.#server = undefined
    return server
  }

  ask(path: string, init: RequestInit = {}, deadlineMs = 15_000): Promise<Response> {
    const { authorization } = this.#credentials
    const headers = { authorization, ...(init.headers as Record<string, string>) }
    return fetch(new URL(path, this.url), { ...init, headers, signal: AbortSignal.timeout(deadlineMs) })
  }

  /** A recording as our own API shows it; undefined while the node, or the catalogue, does not answer, or when there is none. */
  async details(id: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const response = await this.ask(`/v1/recordings/${id}`).catch(() => undefined)
    return response?.status === 200 ? ((await response.json()) as Readonly<Record<string, unknown>>) : undefined
  }

  /** The status and the bytes of a recording's WAV. */
  async media(
    id: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; bytes: Buffer; headers: Headers }> {
    const response = await this.ask(`/files/${this.#credentials.projectId}/recordings/${id}.wav`, { headers })
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers }
  }

  /** Stores a WAV under an id; the status. */
  async put(id: string, wav: Uint8Array): Promise<number> {
    const headers = { 'content-type': 'audio/wav' }
    const response = await this.ask(`/v1/recordings/${id}?leg_type=sip`, {
      method: 'PUT',
      headers,
      body: Buffer.from(wav),
    })
    await response.arrayBuffer()
    return response.status
  }

  /** The status of a DELETE. */
  async remove(id: string): Promise<number> {
    const response = await this.ask(`/api/relay/rest/recordings/${id}`, { method: 'DELETE' })
    await response.arrayBuffer()
    return response.status
  }

  /** How many recordings wait here to be moved; undefined while it does not answer. */
  async waiting(): Promise<number | undefined> {
    const response = await this.ask('/readyz').catch(() => undefined)
    const { spool } = ((await response?.json()) ?? {}) as { spool?: { recordings: number } }
    return spool?.recordings
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** So many nodes over one catalogue and one media store; not started. */
export const makeCluster = async (
  count: number,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly nodes: readonly ClusterNode[]; readonly credentials: Credentials }> => {
  const credentials = makeCredentials()
  const nodes: ClusterNode[] = []
  for (const ports of RTP_PORTS.slice(0, count)) {
    const own = { POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0', POULSEN_RTP_PORTS: ports }
    nodes.push(new ClusterNode(await freePort(), credentials, { ...own, ...environment }))
  }
  return { nodes, credentials }
}
