import { setTimeout as delay } from 'node:timers/promises'
import type { SrtpKey } from '../src/audio/srtp/srtp-key.ts'
import { SipCaller } from '../src/caller/sip-caller.ts'
import type { SipDialog } from '../src/caller/sip-dialog.ts'
import { parseTarget } from '../src/caller/target.ts'
import { formatNumber, type Line, median } from './line.ts'
import { install } from './poulsen.ts'
import type { Subject } from './processes.ts'
import { cpuSeconds, LAG_MAX_SECONDS, lostByBareSink, type PAYLOADS, sendStreams } from './rtp-processes.ts'

const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_160)
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 8)
/** Two-leg calls: where the ramp of the sink begins, and where both end. */
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

export type Codec = keyof typeof PAYLOADS

/** What was placed by one INVITE: its dialog, and where its media goes. */
export interface Placed {
  readonly call: Pick<SipDialog<unknown>, 'bye'>
  readonly ports: readonly number[]
  /** One a port, when they are secured. */
  readonly keys?: readonly SrtpKey[]
}

/** One kind of call whose capacity is measured. */
export interface CapacityOptions {
  readonly work: string
  readonly codec: Codec
  readonly rounds: number
  /** Calls at which the ramp begins. */
  readonly first: number
  readonly callsWanted: number
  /** Of the bare sink's capacity. */
  readonly ratioWanted?: number
  /** Sets one two-leg call up; undefined when it was refused. */
  place(caller: SipCaller): Promise<readonly Placed[] | undefined>
}

/** How many calls one core takes until the first packet is lost, or comes too late, against a bare sink of as many streams. */
export const capacityOf = async (options: CapacityOptions): Promise<Line> => {
  const { codec, callsWanted, ratioWanted } = options
  const rounds: { readonly ours: number; readonly bare: number; readonly cpu: number }[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    const ours = await rampPoulsen(options)
    const bare = await ramp(FIRST_OF_SINK, (calls) => lostByBareSink(calls * STREAMS_PER_CALL, SECONDS, codec))
    if (bare === 0) throw new Error('the bare sink kept up with nothing: this machine is busy with something else')
    rounds.push({ ...ours, bare })
  }
  const ratios = rounds.map(({ ours, bare }) => ours / bare)
  const calls = median(rounds.map(({ ours }) => ours))
  return {
    work: options.work,
    against: 'bare UDP sink that parses and appends',
    ratio: median(ratios),
    target: `${ratioWanted === undefined ? '' : `≥ ${ratioWanted} and `}≥ ${callsWanted} calls`,
    isReached: median(ratios) >= (ratioWanted ?? 0) && calls >= callsWanted,
    ours: `${formatNumber(calls)} calls (${Math.round(median(rounds.map(({ cpu }) => cpu)) * 100)} % of the core)`,
    reference: `${formatNumber(median(rounds.map(({ bare }) => bare)))} calls`,
    rounds: ratios,
  }
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

const rampPoulsen = async (options: CapacityOptions): Promise<{ readonly ours: number; readonly cpu: number }> => {
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
  const ours = await ramp(options.first, async (calls) => {
    const result = await lostByPoulsen(server, caller, calls, options)
    if (result.lost === 0) cpu = result.cpu
    return result.lost
  })
  caller.close()
  return { ours, cpu }
}

const lostByPoulsen = async (
  server: Subject,
  caller: SipCaller,
  calls: number,
  options: CapacityOptions,
): Promise<{ readonly lost: number; readonly cpu: number }> => {
  const placed = await placeAll(caller, calls, options)
  await untilIdle(server)
  const [before, endedBefore] = [await receivedBy(server), await endedBy(server)]
  const [cpuBefore, begunMs] = [cpuSeconds(server.pid), performance.now()]
  let lagSeconds = 0
  const watch = setInterval(async () => {
    lagSeconds = Math.max(lagSeconds, await lagOf(server))
  }, LAG_EVERY_MS)
  const ports = placed.flatMap((each) => each.ports)
  const keys = placed.flatMap((each) => each.keys ?? [])
  const sent = await sendStreams(ports, SECONDS, options.codec, keys.length > 0 ? keys : undefined)
  clearInterval(watch)
  const cpu = (cpuSeconds(server.pid) - cpuBefore) / ((performance.now() - begunMs) / 1000)
  await hangUpAll(placed)
  for (let turn = 0; turn < 200 && (await endedBy(server)) < endedBefore + placed.length; turn += 1) await delay(100)
  // A call that is refused, since capture does not keep up, is one too many.
  const isBehind = ports.length < calls * STREAMS_PER_CALL || lagSeconds > LAG_MAX_SECONDS
  const lost = isBehind ? Number.POSITIVE_INFINITY : sent - ((await receivedBy(server)) - before)
  console.error(
    `bench: ${calls} × ${options.work}: ${lost} packets lost, ${Math.round(cpu * 100)} % of the core, ${Math.round(lagSeconds * 1000)} ms late at worst`,
  )
  return { lost, cpu }
}

const placeAll = async (caller: SipCaller, calls: number, { place }: CapacityOptions): Promise<readonly Placed[]> => {
  const placed: Placed[] = []
  let left = calls
  const placeSome = async () => {
    while (left-- > 0) placed.push(...((await again(() => place(caller))) ?? []))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, placeSome))
  return placed
}

/** Capture refuses calls while it lags, which it may under so many INVITEs at once; callers come again, and so does this one. */
const again = async <T>(attempt: () => Promise<T | undefined>): Promise<T | undefined> => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const outcome = await attempt()
    if (outcome) return outcome
    await delay(TRY_AGAIN_MS)
  }
  return undefined
}

const hangUpAll = async (placed: readonly Placed[]): Promise<void> => {
  const byes = [...placed]
  const hangUpSome = async () => {
    for (let next = byes.pop(); next; next = byes.pop()) await next.call.bye()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, hangUpSome))
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
