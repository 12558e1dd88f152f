import { analyse } from '../../../src/caller/analyse.ts'
import { complaintsOf } from '../../../src/caller/compare.ts'
import type { CompletedCall } from '../../../src/caller/place-call.ts'
import type { SignalPlan } from '../../../src/caller/signal.ts'
import type { LiveServer, WireDetails } from './live-server.ts'

const PACKET_MS = 20

/** What is wrong with the recording of a call that was recorded to its end; nothing, if all is well. */
export const complaintsOfCall = async (live: LiveServer, outcome: CompletedCall): Promise<readonly string[]> => {
  const { samples, sampleRateHz } = await live.audio(await live.finalOf(outcome.callId))
  return complaintsOf(analyse(samples, sampleRateHz, outcome.plan, outcome.expectation))
}

/**
 * The same for a recording that ended before its call did. The sound that its end cut is forgiven; the file must be as long as the row says, and hold what
 * was said until then.
 */
export const complaintsOfCut = async (
  live: LiveServer,
  outcome: CompletedCall,
  recording: WireDetails,
): Promise<readonly string[]> => complaintsOfBeginning(await live.audio(recording), outcome.plan, recording.duration_ms)

/** What is wrong with the audio of so much of a plan, which may end in mid-sound. */
export const complaintsOfBeginning = (
  { samples, sampleRateHz }: { readonly samples: Float32Array; readonly sampleRateHz: number },
  plan: SignalPlan,
  durationMs: number,
): readonly string[] => {
  const bursts = plan.bursts.filter((burst) => burst.startMs + burst.durationMs < durationMs - PACKET_MS)
  const comparison = analyse(samples, sampleRateHz, { ...plan, durationMs, bursts }, { gaps: [], durationMs })
  const lastMs = bursts.at(-1)?.startMs ?? 0
  return complaintsOf({ ...comparison, extra: comparison.extra.filter(({ startMs }) => startMs < lastMs) })
}
