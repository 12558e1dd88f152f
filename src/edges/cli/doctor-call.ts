import type { CallGenerator, CallOutcome, CompletedCall } from '../../caller/place-call.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Services } from '../../services/services.ts'
import { type CommonFlags, type Context, withServices } from './context.ts'
import { targetOf } from './doctor-target.ts'
import { explainFailure } from './explain-failure.ts'
import { findByLeg } from './find-by-leg.ts'
import { attempt, describe, type Finding } from './finding.ts'
import { readChannels } from './read-channels.ts'

const CALL_MS = 2000

/**
 * Places a call of two seconds to a running server, looks for its recording in the catalogue by its leg id, compares the audio with what was said, and
 * deletes it. `target` is a SIP URI, or true for the first address of SIP_LISTEN.
 */
export const checkCall = async (
  context: Context,
  flags: CommonFlags,
  target: string | true,
): Promise<readonly Finding[]> => {
  const uri = targetOf(flags, target)
  if (uri === undefined) return [{ what: 'call', verdict: 'fail', says: 'SIP_LISTEN is none: no calls are taken' }]
  try {
    const outcome = await call(uri)
    if (outcome.kind === 'failed')
      return [{ what: 'call', verdict: 'fail', says: `${uri}: ${explainFailure(outcome.invite)}` }]
    const answered = `${uri} answered in ${outcome.answeredAfterMs.toFixed(0)} ms, ${outcome.codec.codec}`
    const { sent } = outcome
    return [
      { what: 'call', verdict: 'ok', says: `${answered}; took ${sent.packets} packets and hung up` },
      ...(await withServices(context, flags, (services) => checkRecording(services, outcome))),
    ]
  } catch (error) {
    return [{ what: 'call', verdict: 'fail', says: describe(error) }]
  }
}

const call = async (target: string): Promise<CallOutcome> => {
  // Loaded only here: the codecs of a call are much to load for every other command.
  const { CallGenerator } = await import('../../caller/place-call.ts')
  const generator: CallGenerator = await CallGenerator.open({ target })
  try {
    const started = await generator.start({ durationMs: CALL_MS, seed: Date.now() % 1_000_000 })
    return started.kind === 'running' ? await started.outcome : started
  } finally {
    generator.close()
  }
}

/** The recording of a call and its audio; the recording is gone afterwards. */
const checkRecording = async (services: Services, outcome: CompletedCall): Promise<readonly Finding[]> => {
  const [recording] = await findByLeg(services, outcome.callId)
  if (!recording) {
    const says = `no recording with the leg id ${outcome.callId}; does this server have another data folder?`
    return [{ what: 'recording', verdict: 'fail', says }]
  }
  const { id, projectId, status, durationMs } = recording
  const found = `${status}, ${(durationMs / 1000).toFixed(2)} s, found by its leg id ${Date.now() - outcome.endedAtMs} ms after the hang-up`
  const audio = await attempt('audio', () => compareAudio(services, recording, outcome))
  await services.recordings.delete(projectId, id)
  return [{ what: 'recording', verdict: status === 'completed' ? 'ok' : 'fail', says: found }, audio]
}

const compareAudio = async (
  services: Services,
  recording: Recording,
  { plan, expectation }: CompletedCall,
): Promise<string> => {
  const { analyse } = await import('../../caller/analyse.ts')
  const { complaintsOf } = await import('../../caller/compare.ts')
  const { channels, sampleRateHz } = await readChannels(services, recording)
  const comparison = analyse(channels[0] ?? new Float32Array(), sampleRateHz, plan, expectation)
  const complaints = complaintsOf(comparison)
  if (complaints.length > 0) throw new Error(`${complaints.join('; ')} (seed ${plan.seed})`)
  return `the tones are where they were sent: worst onset error ${comparison.worstOnsetErrorMs.toFixed(1)} ms`
}
