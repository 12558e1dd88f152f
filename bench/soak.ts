import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { CodecName } from '../src/audio/codecs/codec.ts'
import { callerCodecs } from '../src/caller/caller-codecs.ts'
import { loopedFrames } from '../src/caller/frame-source.ts'
import { openFrameSource } from '../src/caller/open-frame-source.ts'
import { Pacer } from '../src/caller/pacer.ts'
import { CallGenerator } from '../src/caller/place-call.ts'
import type { InviteFailure } from '../src/caller/sip-caller.ts'
import { planTones } from '../src/caller/tones.ts'
import { publish } from '../src/caller/whip-publisher.ts'
import { install } from './poulsen.ts'
import { childrenOf } from './rtp-processes.ts'

/**
 * `npm run soak`: SOAK_CALLS calls, SOAK_SESSIONS recording sessions of two streams (half of those secured) and SOAK_WEBRTC WebRTC sessions at once (default 300,
 * 200 and 0), of SOAK_SHORTEST_MS (default 10 seconds) to six times as long, coming and going for SOAK_MINUTES (default 30); each is deleted when it is final. Prints memory and open files of the server
 * and its transport process every minute, and what was lost, and exits 1 when a promise was broken.
 */
const CALLS = Number(process.env.SOAK_CALLS ?? 300)
const SESSIONS = Number(process.env.SOAK_SESSIONS ?? 200)
const WEBRTC = Number(process.env.SOAK_WEBRTC ?? 0)
const LINES = CALLS + SESSIONS + WEBRTC
const MINUTES = Number(process.env.SOAK_MINUTES ?? 30)
const WARM_UP_MINUTES = Math.min(5, MINUTES / 3)
const GROWTH_MAX = 1.05
const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_170)
const SHORTEST_MS = Number(process.env.SOAK_SHORTEST_MS ?? 10_000)
const SPREAD_MS = 5 * SHORTEST_MS
const LOOPED_FRAMES = 50
const MS_PER_MINUTE = 60_000
const START_EVERY_MS = 16
const AGAIN_MS = 5_000
const CHECKS_AT_ONCE = 8

const installation = install()
await using server = await installation.start({
  POULSEN_SIP_LISTEN: `udp:127.0.0.1:${SIP_PORT}`,
  POULSEN_CALLS_MAX: '4000',
  POULSEN_WEBRTC_LISTEN: '127.0.0.1:0',
  POULSEN_WEBRTC_PROJECT_MAX: '4000',
  POULSEN_WEBRTC_POSTS_PER_SECOND: '1000',
  POULSEN_RTP_PORTS: '20000-39999',
  POULSEN_LOG_LEVEL: 'warn',
})
const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${SIP_PORT}` })
const framesOf = async (codec: CodecName) => {
  const source = await openFrameSource(callerCodecs([codec])[0] as never, planTones({ durationMs: 1_000 }), 20)
  return loopedFrames(source, LOOPED_FRAMES)
}
const frames = await framesOf('PCMU')
const opusFrames = await framesOf('opus')
const pacer = new Pacer()

const headers = { authorization: installation.authorization }
const counts = { calls: 0, refused: 0, sent: 0, received: 0, wrong: 0 }
const endMs = performance.now() + MINUTES * MS_PER_MINUTE

const isFinal = (status: unknown): boolean => status === 'completed'

/** What one call sent, and the leg that its recording is on. */
interface Sent {
  readonly legId: string
  readonly packets: number
}

/** A server that is behind says 503, and when to come again. */
const refusal = (invite: InviteFailure): undefined => {
  if (invite.kind !== 'refused' || invite.status !== 503) throw new Error(`not answered: ${JSON.stringify(invite)}`)
  counts.refused += 1
  return undefined
}

const call = async (seed: number, durationMs: number): Promise<Sent | undefined> => {
  const started = await generator.start({ durationMs, seed, frames })
  if (started.kind !== 'running') return refusal(started.invite)
  const { callId, sent } = await started.outcome
  return { legId: callId, packets: sent.packets }
}

const session = async (seed: number, durationMs: number): Promise<Sent | undefined> => {
  const secured = seed % 2 === 0 ? { srtp: 'AES_CM_128_HMAC_SHA1_80' as const } : {}
  const started = await generator.startSession({ durationMs, seed, streams: [{ frames }, { frames }], ...secured })
  if (started.kind !== 'running') return refusal(started.invite)
  const outcome = await started.outcome
  if (outcome.kind !== 'completed') throw new Error(`not as it should be: ${JSON.stringify(outcome.invite)}`)
  const packets = outcome.streams.reduce((sum, { sent }) => sum + sent.packets, 0)
  return { legId: outcome.communications[0]?.uuid ?? '', packets }
}

const browser = async (seed: number, durationMs: number): Promise<Sent | undefined> => {
  const legId = randomUUID()
  const made = await fetch(`${server.url}/v1/whip/tokens`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ endpoint: 'soak', leg_id: legId }),
  })
  const { token, url } = (await made.json()) as { token: string; url: string }
  const started = await publish({ url, token, tracks: [{ durationMs, frames: opusFrames, seed }] }, pacer)
  if ('status' in started) {
    if (started.status !== 503) throw new Error(`not answered: ${started.status} ${started.body}`)
    counts.refused += 1
    return undefined
  }
  await started.done
  const status = await started.unpublish()
  if (status !== 200) throw new Error(`DELETE: ${status}`)
  return { legId, packets: started.reports().reduce((sum, { packets }) => sum + packets, 0) }
}

const kindOf = (line: number) => (line < WEBRTC ? browser : line < WEBRTC + SESSIONS ? session : call)

/** One call from INVITE to its end. */
const callOnce = async (line: number, seed: number): Promise<void> => {
  const durationMs = SHORTEST_MS + Math.random() * SPREAD_MS
  const placed = await kindOf(line)(seed, durationMs)
  if (!placed) return await delay(AGAIN_MS)
  const { legId, packets } = placed
  counts.calls += 1
  counts.sent += packets
  pending.push(legId)
}

const pending: string[] = []

interface Page {
  readonly links: { readonly next?: string }
  readonly data: readonly Record<string, string>[]
}

/** Finds the calls that have ended in the list, checks and deletes them, some at once. */
const settle = async (): Promise<void> => {
  const ended = new Set(pending.splice(0))
  let url: string | undefined = `${server.url}/api/relay/rest/recordings?page_size=1000`
  const found: string[] = []
  while (url !== undefined && ended.size > 0) {
    const page = (await (await fetch(url, { headers })).json()) as Page
    for (const { id = '', relay_sip_leg_id: sip, relay_webrtc_leg_id: webrtc, status } of page.data) {
      if (isFinal(status) && ended.delete(sip ?? webrtc ?? '')) found.push(id)
    }
    url = page.links.next
  }
  pending.push(...ended)
  const checkSome = async () => {
    for (let id = found.pop(); id !== undefined; id = found.pop()) await check(id)
  }
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkSome))
}

/** Counts what was received of one recording, and deletes it. */
const check = async (id: string): Promise<void> => {
  const details = await fetch(`${server.url}/v1/recordings/${id}`, { headers })
  const { quality } = (await details.json()) as { quality: { streams: readonly { packets: number }[] } }
  counts.received += quality.streams.reduce((sum, { packets }) => sum + packets, 0)
  const url = `${server.url}/api/relay/rest/recordings/${id}`
  const { status } = await fetch(url, { method: 'DELETE', headers })
  if (status !== 204) counts.wrong += 1
}

const line = async (index: number): Promise<void> => {
  await delay(index * START_EVERY_MS)
  for (let round = 0; performance.now() < endMs; round += 1)
    await callOnce(index, index + round * LINES).catch(noteFault)
}

/** A call that does not go as it should breaks a promise; the others go on. */
const noteFault = async (error: unknown): Promise<void> => {
  counts.wrong += 1
  console.log(error instanceof Error ? error.message : String(error))
  await delay(AGAIN_MS)
}

interface Sample {
  readonly minute: number
  readonly rssMiB: number
  readonly files: number
}

const residentKibOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

const sample = (): Sample => {
  const pids = [server.pid, ...childrenOf(server.pid)]
  const rssKib = pids.reduce((sum, pid) => sum + residentKibOf(pid), 0)
  const files = pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0)
  return { minute: (performance.now() - endMs) / MS_PER_MINUTE + MINUTES, rssMiB: Math.round(rssKib / 1024), files }
}

const samples: Sample[] = []
const lines = Array.from({ length: LINES }, (_, index) => line(index))
const watching = setInterval(() => {
  samples.push(sample())
  const { minute, rssMiB, files } = samples.at(-1) as Sample
  console.log(
    `minute ${minute.toFixed(0)}: ${rssMiB} MiB, ${files} files, ${counts.calls} calls, ${counts.sent - counts.received} packets not yet accounted for`,
  )
}, MS_PER_MINUTE)
let isOver = false
const settling = (async () => {
  while (!isOver) {
    await settle()
    await delay(200)
  }
})()
await Promise.all(lines)
for (let turn = 0; turn < 100 && pending.length > 0; turn += 1) await delay(200)
isOver = true
await settling
clearInterval(watching)
generator.close()
await delay(2_000)
const idle = sample()
const middle = (of: (each: Sample) => number, from: readonly Sample[]) =>
  from.map(of).sort((a, b) => a - b)[from.length >> 1] ?? 0
const warm = samples.filter(({ minute }) => minute >= WARM_UP_MINUTES)
const third = Math.max(1, Math.floor(warm.length / 3))
const growth = middle(({ rssMiB }) => rssMiB, warm.slice(-third)) / middle(({ rssMiB }) => rssMiB, warm.slice(0, third))
console.log(
  `${counts.calls} calls, ${counts.refused} refused for a while, ${counts.sent} packets sent, ${counts.sent - counts.received} lost, ${pending.length} not final, ${counts.wrong} that went wrong; ` +
    `memory of the last third against the first after warm-up: ${growth.toFixed(3)}; ${idle.files} files open at the end`,
)
const isKept = growth <= GROWTH_MAX && counts.sent === counts.received && pending.length === 0 && counts.wrong === 0
await server[Symbol.asyncDispose]()
// Publishers' native threads would keep the process alive.
process.exit(isKept ? 0 : 1)
