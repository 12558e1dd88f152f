import { CallGenerator } from '../../src/caller/place-call.ts'
import { formatNumber, type Line, median } from '../line.ts'
import { install } from '../poulsen.ts'
import type { Subject } from '../processes.ts'

const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_160)
const BESIDE = 100
const SHORT_CALLS = 200
const LONG_CALLS = 10
const SHORT_MS = 1_000
const HOUR_MS = 3_600_000
/** An hour in half a minute. */
const HOUR_SPEED = 120
const TARGET_MS = 100
const BESIDE_MS = 3_600_000
const LATEST_MS = 30_000

/** A call that has been hung up: the leg that its recording is on, and when the BYE went out. */
interface HungUp {
  readonly legId: string
  readonly endedAtMs: number
}

type Place = (seed: number) => Promise<HungUp>

/** From the BYE to a GET that says `completed`, for calls and recording sessions, short and long, while a hundred others are being recorded. */
export const measureHangUp = async (): Promise<readonly Line[]> => {
  const installation = install()
  await using server = await installation.start({
    POULSEN_SIP_LISTEN: `udp:127.0.0.1:${SIP_PORT}`,
    POULSEN_LOG_LEVEL: 'error',
  })
  const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${SIP_PORT}` })
  const beside = await Promise.all(
    Array.from({ length: BESIDE }, (_, seed) => generator.start({ durationMs: BESIDE_MS, seed: seed + 1 })),
  )
  const isCompleted = completion(server, installation.authorization)
  const measure = (count: number, place: Place) => repeat(count, place, isCompleted)
  const lines = [
    lineOf('calls of 1 s', await measure(SHORT_CALLS, callOf(generator, { durationMs: SHORT_MS }))),
    lineOf('calls of 1 h', await measure(LONG_CALLS, callOf(generator, { durationMs: HOUR_MS, speed: HOUR_SPEED }))),
    lineOf('SIPREC sessions of 1 s', await measure(SHORT_CALLS / 2, sessionOf(generator, {}))),
    lineOf(
      'SIPREC sessions of 1 s, SRTP',
      await measure(SHORT_CALLS / 2, sessionOf(generator, { srtp: 'AES_CM_128_HMAC_SHA1_80' })),
    ),
  ]
  for (const call of beside) if (call.kind === 'running') call.hangUp()
  generator.close()
  return lines
}

const callOf =
  (generator: CallGenerator, options: { readonly durationMs: number; readonly speed?: number }): Place =>
  async (seed) => {
    const started = await generator.start({ ...options, seed })
    if (started.kind !== 'running') throw new Error('a call was not answered')
    const { callId, endedAtMs } = await started.outcome
    return { legId: callId, endedAtMs }
  }

const sessionOf =
  (generator: CallGenerator, options: { readonly srtp?: 'AES_CM_128_HMAC_SHA1_80' }): Place =>
  async (seed) => {
    const started = await generator.startSession({ ...options, durationMs: SHORT_MS, seed })
    if (started.kind !== 'running') throw new Error('a session was not answered')
    const outcome = await started.outcome
    if (outcome.kind !== 'completed') throw new Error('a session was not as it should be')
    return { legId: outcome.communications[0]?.uuid ?? '', endedAtMs: outcome.endedAtMs }
  }

const completion =
  (server: Subject, authorization: string) =>
  async (legId: string): Promise<boolean> => {
    const url = `${server.url}/api/relay/rest/recordings?page_size=${BESIDE + 50}`
    const { data } = (await (await fetch(url, { headers: { authorization } })).json()) as {
      data: readonly Record<string, unknown>[]
    }
    return data.some((recording) => recording.relay_sip_leg_id === legId && recording.status === 'completed')
  }

/** Milliseconds from the moment at which each BYE went out. */
const repeat = async (
  count: number,
  place: Place,
  isCompleted: (legId: string) => Promise<boolean>,
): Promise<readonly number[]> => {
  const values: number[] = []
  for (let seed = 1; seed <= count; seed += 1) {
    const { legId, endedAtMs } = await place(seed)
    while (!(await isCompleted(legId))) if (Date.now() - endedAtMs > LATEST_MS) throw new Error('never completed')
    values.push(Date.now() - endedAtMs)
  }
  return values
}

const lineOf = (what: string, values: readonly number[]): Line => {
  const sorted = [...values].sort((a, b) => a - b)
  const p99 = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? 0
  return {
    work: `hang-up → \`completed\`, ${what}, ${BESIDE} calls beside`,
    against: '–',
    target: `p99 ≤ ${TARGET_MS} ms`,
    isReached: p99 <= TARGET_MS,
    ours: `p99 ${formatNumber(p99)} ms, median ${formatNumber(median(values))} ms (${values.length} calls)`,
    reference: '–',
    rounds: values,
  }
}
