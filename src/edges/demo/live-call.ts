import { strict as assert } from 'node:assert'
import { analyse } from '../../caller/analyse.ts'
import { complaintsOf } from '../../caller/compare.ts'
import { decodeChannel } from '../../caller/decode-channel.ts'
import type { CallGenerator, CompletedCall, RunningCall } from '../../caller/place-call.ts'
import { getRecording, recordingOfLeg, until, type WireRecording, whenCompleted } from './recordings.ts'
import type { Ask, Tell } from './walk.ts'

/** What a live part of the demo needs. */
export interface LiveOptions {
  readonly generator: CallGenerator
  /** The server's SIP URI, to be told. */
  readonly target: string
  readonly ask: Ask
  readonly tell: Tell
}

const CALL_MS = 4000
/** Of audio that must be there while the call runs. */
const HEARD_MIN_MS = 500
const CODEC = 'PCMU'

/** A call over real sockets, from its INVITE to the proof that its recording is what was said. Throws an AssertionError at the first thing that is wrong. */
export const walkThroughACall = async ({ generator, target, ask, tell }: LiveOptions): Promise<void> => {
  const seed = Date.now() % 1_000_000
  const call = await generator.start({ durationMs: CALL_MS, codecs: [CODEC], seed })
  assert.equal(call.kind, 'running', JSON.stringify(call))
  tell(`INVITE ${target}    200  answered in ${call.answeredAfterMs.toFixed(1)} ms, ${call.codec.codec}`)
  const { id } = await listenWhileItRuns(call, ask, tell)
  const outcome = await call.outcome
  assert(outcome.byeAnsweredAfterMs !== undefined, 'nobody answered the BYE')
  const recording = await whenCompleted(id, ask)
  tell(`BYE                           200  status ${recording.status} ${Date.now() - outcome.endedAtMs} ms after it`)
  await proveTheAudio(recording, outcome, tell)
  await ask(`/api/relay/rest/recordings/${id}`, { method: 'DELETE' })
}

/** The recording of a call that has not ended, and what can be heard of it already. */
const listenWhileItRuns = async ({ callId }: RunningCall, ask: Ask, tell: Tell): Promise<WireRecording> => {
  const recording = await recordingOfLeg(callId, ask)
  assert.equal(recording.status, 'recording')
  const heardMs = await until(async () => {
    const heardMs = durationOf(await fetchAudio(recording.url))
    return heardMs >= HEARD_MIN_MS ? heardMs : undefined
  })
  const { status } = await getRecording(recording.id, ask)
  assert.equal(status, 'recording')
  tell(`GET  {url} while it runs      200  ${(heardMs / 1000).toFixed(1)} s so far, status ${status}`)
  return recording
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

const fetchAudio = async (url: string) => {
  const response = await fetch(url)
  assert.equal(response.status, 200)
  assert(response.body)
  return decodeChannel(response.body)
}

const durationOf = ({ samples, sampleRateHz }: Awaited<ReturnType<typeof fetchAudio>>): number =>
  sampleRateHz === 0 ? 0 : (samples.length * 1000) / sampleRateHz
