import type { CallGenerator, CallOutcome, CompletedCall } from '../../caller/place-call.ts'
import { isFinal, type Recording } from '../../domain/recording.ts'
import { readConfig } from '../../ops/config.ts'
import type { SipListenAddress } from '../../ops/sip-listen.ts'
import type { Services } from '../../services/services.ts'
import { type CommonFlags, type Context, withServices } from './context.ts'
import { attempt, describe, type Finding } from './finding.ts'

const CALL_MS = 2000
/** A server that has more calls than this in the meantime is well enough. */
const NEWEST_LOOKED_AT = 100
const FOUND_WITHIN_MS = 5000
const POLL_EVERY_MS = 20
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/**
 * Places a call of two seconds to a running server, looks for its recording in the catalogue by its leg id, compares the audio with what was said, and
 * deletes it. `target` is a SIP URI, or true for the first address of SIP_LISTEN.
 */
export const checkCall = async (
  context: Context,
  flags: CommonFlags,
  target: string | true,
): Promise<readonly Finding[]> => {
  const uri = target === true ? listenedOn(readConfig({ dataDir: flags.dataDir }).sipListen) : target
  if (uri === undefined) return [{ what: 'call', verdict: 'fail', says: 'SIP_LISTEN is none: no calls are taken' }]
  try {
    const outcome = await call(uri)
    if (outcome.kind === 'failed') return [{ what: 'call', verdict: 'fail', says: `${uri}: ${why(outcome)}` }]
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

/** The first address that calls are taken on, as one of this machine. */
const listenedOn = ([first]: readonly SipListenAddress[]): string | undefined => {
  if (!first) return undefined
  const host = ANY_ADDRESS[first.host] ?? first.host
  return `sip:${host.includes(':') ? `[${host}]` : host}:${first.port};transport=${first.transport}`
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

const HINTS: Readonly<Record<number, string>> = {
  401: 'a trunk covers this address, and wants a password',
  403: 'no trunk covers this address; see `poulsen trunk list`',
  488: 'the trunk allows no codec of the call',
  503: 'the server takes no calls now: it is stopping, full, or its disk is',
}

const why = ({ invite }: Extract<CallOutcome, { kind: 'failed' }>): string => {
  if (invite.kind === 'timeout') return 'nobody answered'
  if (invite.kind === 'cancelled') return `cancelled with ${invite.status}`
  if (invite.kind !== 'refused') return invite.reason
  const hint = HINTS[invite.status]
  return `${invite.status} ${invite.reason}${hint === undefined ? '' : `: ${hint}`}`
}

/** The recording of a call and its audio; the recording is gone afterwards. */
const checkRecording = async (services: Services, outcome: CompletedCall): Promise<readonly Finding[]> => {
  const recording = await findRecording(services, outcome.callId)
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

const findRecording = async ({ projects, recordings }: Services, legId: string): Promise<Recording | undefined> => {
  for (const deadlineMs = performance.now() + FOUND_WITHIN_MS; performance.now() < deadlineMs; ) {
    for (const { id } of await projects.list()) {
      const { items } = await recordings.list(id, { limit: NEWEST_LOOKED_AT })
      const found = items.find(({ leg, status }) => leg.id === legId && isFinal(status))
      if (found) return found
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
  return undefined
}

const compareAudio = async (
  { playback }: Services,
  recording: Recording,
  { plan, expectation }: CompletedCall,
): Promise<string> => {
  const { analyse } = await import('../../caller/analyse.ts')
  const { complaintsOf } = await import('../../caller/compare.ts')
  const { decodeChannel } = await import('../../caller/decode-channel.ts')
  const playable = await playback.open(recording, 'wav')
  const bytes = await playable.read(
    { startBytes: 0, endBytes: playable.byteSize },
    AbortSignal.timeout(FOUND_WITHIN_MS),
  )
  const { samples, sampleRateHz } = await decodeChannel(bytes)
  const comparison = analyse(samples, sampleRateHz, plan, expectation)
  const complaints = complaintsOf(comparison)
  if (complaints.length > 0) throw new Error(`${complaints.join('; ')} (seed ${plan.seed})`)
  return `the tones are where they were sent: worst onset error ${comparison.worstOnsetErrorMs.toFixed(1)} ms`
}
