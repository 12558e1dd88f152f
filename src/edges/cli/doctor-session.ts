import type { CallGenerator } from '../../caller/place-call.ts'
import type { CompletedSession, SessionOutcome } from '../../caller/siprec-outcome.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Services } from '../../services/services.ts'
import { type CommonFlags, type Context, withServices } from './context.ts'
import { targetOf } from './doctor-target.ts'
import { explainFailure } from './explain-failure.ts'
import { findByLeg } from './find-by-leg.ts'
import { attempt, describe, type Finding } from './finding.ts'
import { readChannels } from './read-channels.ts'

const SESSION_MS = 2000
const STEREO = 2

/**
 * Begins a recording session (SIPREC, RFC 7866) of two seconds with a running server as its client, two voices and their metadata; looks for what was recorded
 * of it in the catalogue by its leg id, proves that each voice is in its channel and in its place, and deletes it. `target` is a SIP URI, or true for
 * the first address of SIP_LISTEN.
 */
export const checkSession = async (
  context: Context,
  flags: CommonFlags,
  target: string | true,
): Promise<readonly Finding[]> => {
  const uri = targetOf(flags, target)
  if (uri === undefined) return [{ what: 'session', verdict: 'fail', says: 'SIP_LISTEN is none: no calls are taken' }]
  try {
    const outcome = await run(uri)
    if (outcome.kind === 'failed')
      return [{ what: 'session', verdict: 'fail', says: `${uri}: ${explainFailure(outcome.invite)}` }]
    return [
      { what: 'session', verdict: 'ok', says: `${uri} ${tellOf(outcome)}` },
      ...(await withServices(context, flags, (services) => checkRecordings(services, outcome))),
    ]
  } catch (error) {
    return [{ what: 'session', verdict: 'fail', says: describe(error) }]
  }
}

const run = async (target: string): Promise<SessionOutcome> => {
  // Loaded only here: the codecs of a call are much to load for every other command.
  const { CallGenerator } = await import('../../caller/place-call.ts')
  const generator: CallGenerator = await CallGenerator.open({ target })
  try {
    const started = await generator.startSession({ durationMs: SESSION_MS, seed: Date.now() % 1_000_000 })
    return started.kind === 'running' ? await started.outcome : started
  } finally {
    generator.close()
  }
}

const tellOf = ({ answeredAfterMs, streams }: CompletedSession): string => {
  const packets = streams.reduce((sum, { sent }) => sum + sent.packets, 0)
  const codecs = [...new Set(streams.map(({ codec }) => codec?.codec ?? 'nothing'))].join(' and ')
  return `answered in ${answeredAfterMs.toFixed(0)} ms, ${streams.length} streams of ${codecs}; took ${packets} packets and hung up`
}

/** What was recorded of a session, and its audio; gone afterwards. */
const checkRecordings = async (services: Services, outcome: CompletedSession): Promise<readonly Finding[]> => {
  const legId = outcome.communications[0]?.uuid ?? outcome.callId
  const found = await findByLeg(services, legId)
  if (found.length === 0) {
    const says = `no recording with the leg id ${legId}; does this server have another data folder?`
    return [{ what: 'recording', verdict: 'fail', says }]
  }
  const afterMs = Date.now() - outcome.endedAtMs
  const audio = await attempt('audio', () => compareAudio(services, found, outcome))
  for (const { id, projectId } of found) await services.recordings.delete(projectId, id)
  const lengths = found.map(({ status, durationMs }) => `${status}, ${(durationMs / 1000).toFixed(2)} s`).join('; ')
  const isWell = found.every(({ status }) => status === 'completed')
  const says = `${lengths}, found by its leg id ${afterMs} ms after the hang-up`
  return [{ what: 'recording', verdict: isWell ? 'ok' : 'fail', says }, audio]
}

/** As the trunk's layout has it: a channel a voice, all in one, or a recording a voice. */
const compareAudio = async (
  services: Services,
  found: readonly Recording[],
  outcome: CompletedSession,
): Promise<string> => {
  if (found.length > 1) return compareSeparate(services, found, outcome)
  const { channels, sampleRateHz } = await readChannels(services, found[0] as Recording)
  return channels.length === STEREO
    ? compareStereo(channels, sampleRateHz, outcome)
    : compareMix(channels[0] ?? new Float32Array(), sampleRateHz, outcome)
}

const compareStereo = async (
  channels: readonly Float32Array[],
  sampleRateHz: number,
  { streams }: CompletedSession,
): Promise<string> => {
  const { compareSession, complaintsOfSession, skewOf } = await import('../../caller/compare-session.ts')
  const comparisons = compareSession(channels, sampleRateHz, streams)
  refuse(complaintsOfSession(comparisons), streams)
  const worstMs = Math.max(...comparisons.map(({ comparison }) => comparison.worstOnsetErrorMs))
  return `left and right are who they should be: worst onset error ${worstMs.toFixed(1)} ms, ${skewOf(comparisons).toFixed(1)} ms apart`
}

const compareMix = async (
  samples: Float32Array,
  sampleRateHz: number,
  { streams }: CompletedSession,
): Promise<string> => {
  const { findTones } = await import('../../caller/find-tones.ts')
  const { onTimeline } = await import('../../caller/session-timeline.ts')
  const found = onTimeline(streams).map((stream) => findTones(samples, sampleRateHz, stream))
  refuse(
    found.flatMap(({ missing, onsets }, position) =>
      missing.length === 0 && onsets.length > 0
        ? []
        : [`${missing.length} tones of stream ${position + 1} are missing`],
    ),
    streams,
  )
  const worstMs = Math.max(...found.flatMap(({ onsets }) => onsets.map(({ errorMs }) => Math.abs(errorMs))))
  return `all voices are in the mix: worst onset error ${worstMs.toFixed(1)} ms`
}

const compareSeparate = async (
  services: Services,
  found: readonly Recording[],
  { streams }: CompletedSession,
): Promise<string> => {
  const { analyse } = await import('../../caller/analyse.ts')
  const { complaintsOf } = await import('../../caller/compare.ts')
  // The first participant's is inbound.
  const inOrder = found.toSorted((a, b) => a.track.localeCompare(b.track))
  const complaints: string[] = []
  for (const [position, stream] of streams.entries()) {
    const recording = inOrder[position]
    const audio = recording && (await readChannels(services, recording))
    const samples = audio?.channels[0] ?? new Float32Array()
    complaints.push(...complaintsOf(analyse(samples, audio?.sampleRateHz ?? 8000, stream.plan, stream.expectation)))
  }
  refuse(complaints, streams)
  return `${found.length} recordings, each of whom it should be`
}

const refuse = (complaints: readonly string[], streams: CompletedSession['streams']): void => {
  const seeds = streams.map(({ plan }) => plan.seed).join(', ')
  if (complaints.length > 0) throw new Error(`${complaints.join('; ')} (seeds ${seeds})`)
}
