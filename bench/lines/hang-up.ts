import { CallGenerator, type CompletedCall } from '../../src/caller/place-call.ts'
import { formatNumber, type Line, median } from '../line.ts'
import { install } from '../poulsen.ts'

const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_160)
const BESIDE = 100
const SHORT_CALLS = 200
const LONG_CALLS = 10
const SHORT_MS = 1_000
const HOUR_MS = 3_600_000
/** An hour in half a minute. */
const HOUR_SPEED = 120
const TARGET_MS = 100
const BESIDE_MS = 900_000

type Generator = CallGenerator

/** From the BYE to a GET that says `completed`, for short and for long calls, while a hundred others are being recorded. */
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
  const isCompleted = async (callId: string): Promise<boolean> => {
    const headers = { authorization: installation.authorization }
    const response = await fetch(`${server.url}/api/relay/rest/recordings?page_size=${BESIDE + 50}`, { headers })
    const { data } = (await response.json()) as { data: readonly Record<string, unknown>[] }
    return data.some((recording) => recording.relay_sip_leg_id === callId && recording.status === 'completed')
  }
  const short: number[] = []
  for (let call = 0; call < SHORT_CALLS; call += 1)
    short.push(await hangUpMs(generator, { durationMs: SHORT_MS }, isCompleted))
  const long: number[] = []
  for (let call = 0; call < LONG_CALLS; call += 1) {
    long.push(await hangUpMs(generator, { durationMs: HOUR_MS, speed: HOUR_SPEED }, isCompleted))
  }
  for (const call of beside) if (call.kind === 'running') call.hangUp()
  generator.close()
  return [lineOf('1 s', short), lineOf('1 h', long)]
}

/** Milliseconds from the moment at which the BYE went out. */
const hangUpMs = async (
  generator: Generator,
  call: { readonly durationMs: number; readonly speed?: number },
  isCompleted: (callId: string) => Promise<boolean>,
): Promise<number> => {
  const started = await generator.start({ ...call, seed: 7 })
  if (started.kind !== 'running') throw new Error('a call was not answered')
  const outcome: CompletedCall = await started.outcome
  while (!(await isCompleted(outcome.callId)))
    if (Date.now() - outcome.endedAtMs > 30_000) throw new Error('never completed')
  return Date.now() - outcome.endedAtMs
}

const lineOf = (length: string, values: readonly number[]): Line => {
  const sorted = [...values].sort((a, b) => a - b)
  const p99 = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? 0
  return {
    work: `hang-up → \`completed\`, calls of ${length}, ${BESIDE} calls beside`,
    against: '–',
    target: `p99 ≤ ${TARGET_MS} ms`,
    isReached: p99 <= TARGET_MS,
    ours: `p99 ${formatNumber(p99)} ms, median ${formatNumber(median(values))} ms (${values.length} calls)`,
    reference: '–',
    rounds: values,
  }
}
