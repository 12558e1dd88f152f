import { strict as assert } from 'node:assert'
import { analyse } from '../../caller/analyse.ts'
import { complaintsOf } from '../../caller/compare.ts'
import { decodeChannel } from '../../caller/decode-channel.ts'
import { CallGenerator, type CompletedCall, type RunningCall } from '../../caller/place-call.ts'
import type { Ask, Tell } from './walk.ts'

/** What the live part of the demo needs. */
export interface LiveCallOptions {
  /** The server's SIP URI. */
  readonly target: string
  readonly ask: Ask
  readonly tell: Tell
}

interface WireRecording {
  readonly id: string
  readonly status: string
  readonly url: string
  readonly relay_sip_leg_id?: string
}

const CALL_MS = 4000
/** Of audio that must be there while the call runs. */
const HEARD_MIN_MS = 500
const DEADLINE_MS = 10_000
const POLL_EVERY_MS = 10
const CODEC = 'PCMU'

/** A call over real sockets, from its INVITE to the proof that its recording is what was said. Throws an AssertionError at the first thing that is wrong. */
export const walkThroughACall = async ({ target, ask, tell }: LiveCallOptions): Promise<void> => {
  const generator = await CallGenerator.open({ target })
  try {
    const seed = Date.now() % 1_000_000
    const call = await generator.start({ durationMs: CALL_MS, codecs: [CODEC], seed })
    assert.equal(call.kind, 'running', JSON.stringify(call))
    tell(`INVITE ${target}    200  answered in ${call.answeredAfterMs.toFixed(1)} ms, ${call.codec.codec}`)
    const recording = await listenWhileItRuns(call, ask, tell)
    const outcome = await call.outcome
    await proveTheAudio(await waitUntilCompleted(recording, outcome, ask, tell), outcome, tell)
    await ask(`/api/relay/rest/recordings/${recording.id}`, { method: 'DELETE' })
  } finally {
    generator.close()
  }
}

/** The recording of a call that has not ended, and what can be heard of it already. */
const listenWhileItRuns = async ({ callId }: RunningCall, ask: Ask, tell: Tell): Promise<WireRecording> => {
  const list = (await (await ask('/api/relay/rest/recordings')).json()) as { data: WireRecording[] }
  const recording = list.data.find(({ relay_sip_leg_id }) => relay_sip_leg_id === callId)
  assert(recording, `no recording of ${callId}`)
  assert.equal(recording.status, 'recording')
  const heardMs = await until(async () => {
    const heardMs = durationOf(await fetchAudio(recording.url))
    return heardMs >= HEARD_MIN_MS ? heardMs : undefined
  })
  const { status } = await find(recording.id, ask)
  assert.equal(status, 'recording')
  tell(`GET  {url} while it runs      200  ${(heardMs / 1000).toFixed(1)} s so far, status ${status}`)
  return recording
}

const waitUntilCompleted = async (
  { id }: WireRecording,
  { endedAtMs, byeAnsweredAfterMs }: CompletedCall,
  ask: Ask,
  tell: Tell,
): Promise<WireRecording> => {
  assert(byeAnsweredAfterMs !== undefined, 'nobody answered the BYE')
  const completed = await until(async () => {
    const recording = await find(id, ask)
    return recording.status === 'recording' ? undefined : recording
  })
  assert.equal(completed.status, 'completed')
  tell(`BYE                           200  status ${completed.status} ${Date.now() - endedAtMs} ms after it`)
  return completed
}

const proveTheAudio = async (recording: WireRecording, outcome: CompletedCall, tell: Tell): Promise<void> => {
  const { samples, sampleRateHz } = await fetchAudio(recording.url)
  const comparison = analyse(samples, sampleRateHz, outcome.plan, outcome.expectation)
  assert.deepEqual(complaintsOf(comparison), [], `seed ${outcome.plan.seed}`)
  const { onsets, worstOnsetErrorMs, durationErrorMs } = comparison
  const found = `all ${onsets.length} tones are where they were sent`
  tell(
    `${found}: worst onset error ${worstOnsetErrorMs.toFixed(1)} ms, duration off by ${durationErrorMs.toFixed(1)} ms`,
  )
}

const find = async (id: string, ask: Ask): Promise<WireRecording> => {
  const response = await ask(`/api/relay/rest/recordings/${id}`)
  assert.equal(response.status, 200)
  return (await response.json()) as WireRecording
}

const fetchAudio = async (url: string) => {
  const response = await fetch(url)
  assert.equal(response.status, 200)
  assert(response.body)
  return decodeChannel(response.body)
}

const durationOf = ({ samples, sampleRateHz }: Awaited<ReturnType<typeof fetchAudio>>): number =>
  sampleRateHz === 0 ? 0 : (samples.length * 1000) / sampleRateHz

/** The first thing that `look` finds; asks again until the deadline. */
const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (const deadlineMs = performance.now() + DEADLINE_MS; ; ) {
    const found = await look()
    if (found !== undefined) return found
    assert(performance.now() < deadlineMs, 'it did not come to be in time')
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
}
