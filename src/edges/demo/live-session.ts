import { strict as assert } from 'node:assert'
import { compareSession, complaintsOfSession, skewOf } from '../../caller/compare-session.ts'
import { decodeChannels } from '../../caller/decode-channel.ts'
import type { CompletedSession } from '../../caller/siprec-outcome.ts'
import type { LiveOptions } from './live-call.ts'
import { recordingOfLeg, type WireRecording, whenCompleted } from './recordings.ts'
import type { Ask, Tell } from './walk.ts'

const SESSION_MS = 4000
const PARTICIPANTS = [
  { aor: 'sip:customer@example.com', name: 'Customer' },
  { aor: 'sip:agent@example.com', name: 'Agent' },
]

/**
 * A SIPREC session over real sockets, two voices of which the second comes later, from its INVITE to the proof that the left channel is the first participant and
 * the right one the second. Throws an AssertionError at the first thing that is wrong.
 */
export const walkThroughASession = async ({ generator, target, ask, tell }: LiveOptions): Promise<void> => {
  const seed = Date.now() % 1_000_000
  const session = await generator.startSession({
    durationMs: SESSION_MS,
    seed,
    participants: PARTICIPANTS,
    streams: [{ codecs: ['PCMA'] }, { codecs: ['PCMA'], startsAtMs: 500 }],
  })
  assert.equal(session.kind, 'running', JSON.stringify(session))
  const answered = `answered in ${session.answeredAfterMs.toFixed(1)} ms, ${session.lines.length} streams`
  tell(`INVITE ${target}    200  SIPREC, ${answered}`)
  const outcome = await session.outcome
  assert.equal(outcome.kind, 'completed', JSON.stringify(outcome))
  const { id } = await recordingOfLeg(outcome.communications[0]?.uuid ?? '', ask)
  const recording = await whenCompleted(id, ask)
  tell(`BYE                           200  status ${recording.status}, stereo ${recording.stereo}`)
  await showWhoTookPart(id, ask, tell)
  await proveLeftAndRight(recording, outcome, tell)
  await ask(`/api/relay/rest/recordings/${id}`, { method: 'DELETE' })
}

const showWhoTookPart = async (id: string, ask: Ask, tell: Tell): Promise<void> => {
  const response = await ask(`/v1/recordings/${id}/metadata`)
  assert.equal(response.status, 200)
  const { participants } = (await response.json()) as { participants: { aor?: string; name?: string }[] }
  for (const { aor } of PARTICIPANTS) assert(JSON.stringify(participants).includes(aor), `${aor} did not take part`)
  tell(`GET  /v1/recordings/{id}/metadata   200  ${PARTICIPANTS.map(({ name }) => name).join(' and ')} took part`)
}

const proveLeftAndRight = async (
  recording: WireRecording,
  { streams }: CompletedSession,
  tell: Tell,
): Promise<void> => {
  const response = await fetch(recording.url)
  assert.equal(response.status, 200)
  assert(response.body)
  const { channels, sampleRateHz } = await decodeChannels(response.body)
  assert.equal(channels.length, streams.length)
  const comparisons = compareSession(channels, sampleRateHz, streams)
  assert.deepEqual(complaintsOfSession(comparisons), [], `seeds ${streams.map(({ plan }) => plan.seed).join(', ')}`)
  const tones = comparisons.map(({ comparison }) => comparison.onsets.length)
  tell(`left has ${tones[0]} tones of the first voice and none of the other, right ${tones[1]} of the second`)
  tell(`left and right are ${skewOf(comparisons).toFixed(1)} ms apart`)
}
