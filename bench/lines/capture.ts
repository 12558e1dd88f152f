import { setTimeout as delay } from 'node:timers/promises'
import { callerCodecs } from '../../src/caller/caller-codecs.ts'
import type { SipCall } from '../../src/caller/sip-call.ts'
import { SipCaller } from '../../src/caller/sip-caller.ts'
import { parseTarget } from '../../src/caller/target.ts'
import { formatNumber, type Line, median } from '../line.ts'
import { install } from '../poulsen.ts'
import type { Subject } from '../processes.ts'
import { cpuSeconds, LAG_MAX_SECONDS, lostByBareSink, type PAYLOADS, sendStreams } from '../rtp-processes.ts'

const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_160)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 8)
/** Two-leg calls: where the ramps begin, and where they end. */
const FIRST = 500
const FIRST_OF_SINK = 700
const STEP = 100
const MOST = 2000
const LAG_EVERY_MS = 1_000
const STREAMS_PER_CALL = 2
/** Calls that are set up at once. */
const AT_ONCE = 10
const TRIES_MAX = 20
const TRY_AGAIN_MS = 500
const IDLE_TURN_MS = 500
const IDLE_TURNS_MAX = 60
/** Twelve hundred idle calls still cost their ticks. */
const IDLE_CPU_SECONDS = 0.08

type Codec = keyof typeof PAYLOADS

/** Capacity: two-leg calls on one core until the first packet is lost, against a bare sink; signalling, journal and group commit included. */
export const measureCapture = async (): Promise<readonly Line[]> => {
  const lines: Line[] = []
  for (const codec of ['PCMU', 'opus'] as const) {
    const rounds: { readonly ours: number; readonly bare: number; readonly cpu: number }[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const ours = await rampPoulsen(codec)
      rounds.push({
        ...ours,
        bare: await ramp(FIRST_OF_SINK, (calls) => lostByBareSink(calls * STREAMS_PER_CALL, SECONDS, codec)),
      })
    }
    const ratios = rounds.map(({ ours, bare }) => ours / bare)
    const calls = median(rounds.map(({ ours }) => ours))
    lines.push({
      work: `two-leg ${codec === 'PCMU' ? 'G.711' : 'Opus'} calls a core, journal and group commit on, 0 packets lost`,
      against: 'bare UDP sink that parses and appends',
      ratio: median(ratios),
      target: '≥ 0.5 and ≥ 500 calls',
      isReached: median(ratios) >= 0.5 && calls >= 500,
      ours: `${formatNumber(calls)} calls (${Math.round(median(rounds.map(({ cpu }) => cpu)) * 100)} % of the core)`,
      reference: `${formatNumber(median(rounds.map(({ bare }) => bare)))} calls`,
      rounds: ratios,
    })
  }
  return lines
}

/** The largest number of calls of which nothing is lost. */
const ramp = async (first: number, lostOf: (calls: number) => Promise<number>): Promise<number> => {
  let most = 0
  for (let calls = first; calls <= MOST; calls += STEP) {
    if ((await lostOf(calls)) > 0) break
    most = calls
  }
  return most
}

const rampPoulsen = async (codec: Codec): Promise<{ readonly ours: number; readonly cpu: number }> => {
  const installation = install()
  await using server = await installation.start({
    POULSEN_SIP_LISTEN: `udp:127.0.0.1:${SIP_PORT}`,
    POULSEN_RTP_PORTS: '16000-31999',
    POULSEN_CALLS_MAX: '4000',
    POULSEN_CAPTURE_WORKERS: '1',
    POULSEN_LOG_LEVEL: 'error',
  })
  const caller = await SipCaller.open({ target: parseTarget(`sip:127.0.0.1:${SIP_PORT}`) })
  let cpu = 0
  const ours = await ramp(FIRST, async (calls) => {
    const result = await lostByPoulsen(server, caller, calls * STREAMS_PER_CALL, codec)
    if (result.lost === 0) cpu = result.cpu
    return result.lost
  })
  caller.close()
  return { ours, cpu }
}

const lostByPoulsen = async (
  server: Subject,
  caller: SipCaller,
  streams: number,
  codec: Codec,
): Promise<{ readonly lost: number; readonly cpu: number }> => {
  const placed: { readonly call: SipCall; readonly port: number }[] = []
  let left = streams
  const placeSome = async () => {
    while (left-- > 0) {
      const call = await place(caller, codec)
      if (call) placed.push(call)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, placeSome))
  await untilIdle(server)
  const [before, endedBefore] = [await receivedBy(server), await endedBy(server)]
  const [cpuBefore, begunMs] = [cpuSeconds(server.pid), performance.now()]
  let lagSeconds = 0
  const watch = setInterval(async () => {
    lagSeconds = Math.max(lagSeconds, await lagOf(server))
  }, LAG_EVERY_MS)
  const sent = await sendStreams(
    placed.map(({ port }) => port),
    SECONDS,
    codec,
  )
  clearInterval(watch)
  const cpu = (cpuSeconds(server.pid) - cpuBefore) / ((performance.now() - begunMs) / 1000)
  const byes = [...placed]
  const hangUpSome = async () => {
    for (let next = byes.pop(); next; next = byes.pop()) await next.call.bye()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, hangUpSome))
  for (let turn = 0; turn < 200 && (await endedBy(server)) < endedBefore + placed.length; turn += 1) await delay(100)
  // A call that is refused, since capture does not keep up, is one too many.
  const isBehind = placed.length < streams || lagSeconds > LAG_MAX_SECONDS
  const lost = isBehind ? Number.POSITIVE_INFINITY : sent - ((await receivedBy(server)) - before)
  console.error(
    `bench: ${streams / STREAMS_PER_CALL} calls ${codec}: ${lost} packets lost, ${Math.round(cpu * 100)} % of the core, ${Math.round(lagSeconds * 1000)} ms late at worst`,
  )
  return { lost, cpu }
}

/** Capture refuses calls while it lags, which it may under so many INVITEs at once; callers come again, and so does this one. */
const place = async (caller: SipCaller, codec: Codec) => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const call = await placeOnce(caller, codec)
    if (call) return call
    await delay(TRY_AGAIN_MS)
  }
  return undefined
}

const placeOnce = async (caller: SipCaller, codec: Codec) => {
  const media = {
    address: '127.0.0.1',
    rtpPort: 9,
    rtcpPort: 9,
    isMultiplexed: false,
    codecs: callerCodecs([codec]),
    frameMs: 20,
  }
  const outcome = await caller.invite({ media })
  if (outcome.kind === 'refused') return undefined
  if (outcome.kind !== 'answered') throw new Error(`a call was not answered: ${JSON.stringify(outcome)}`)
  return { call: outcome.call, port: outcome.remote.rtpPort }
}

/** Waits until the server has done what the calls before have left it: their hashes, mainly, which in real life come one by one. */
const untilIdle = async ({ pid }: Subject): Promise<void> => {
  for (let turn = 0; turn < IDLE_TURNS_MAX; turn += 1) {
    const before = cpuSeconds(pid)
    await delay(IDLE_TURN_MS)
    if (cpuSeconds(pid) - before < IDLE_CPU_SECONDS) return
  }
}

const metric = async ({ url }: Subject, pattern: RegExp): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(pattern.exec(text)?.[1] ?? 0)
}

const receivedBy = (server: Subject): Promise<number> =>
  metric(server, /poulsen_rtp_packets_total\{outcome="received"\} (\d+)/)
const lagOf = (server: Subject): Promise<number> =>
  metric(server, /poulsen_capture_lag_seconds\{worker="0"\} ([\d.e-]+)/)
const endedBy = (server: Subject): Promise<number> =>
  metric(server, /poulsen_recordings_ended_total\{status="completed",reason="hangup"\} (\d+)/)
