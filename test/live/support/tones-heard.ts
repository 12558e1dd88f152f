import { type Comparison, compare } from '../../../src/caller/compare.ts'
import { findDelay } from '../../../src/caller/find-delay.ts'
import { listen } from '../../../src/caller/listen.ts'
import type { SignalPlan } from '../../../src/caller/signal.ts'

/** What of a plan a recording has that began somewhere in it. */
export interface PartHeard {
  /** Where in the plan the recording begins. */
  readonly fromMs: number
  readonly comparison: Comparison
}

/** Bursts at the very ends of a part are cut. */
const EDGE_MS = 100

/**
 * Finds where in a plan a recording begins, and compares it with the plan from there on: a browser's microphone runs before anything is sent. Undefined when it is
 * not of this plan.
 */
export const hearPart = (plan: SignalPlan, samples: Float32Array, sampleRateHz: number): PartHeard | undefined => {
  const heard = listen(samples, sampleRateHz, plan.kind)
  const delayMs = findDelay(plan, heard)
  if (delayMs === undefined) return undefined
  const fromMs = -delayMs
  const durationMs = (samples.length / sampleRateHz) * 1000
  const isWhole = (startMs: number, endMs: number) => startMs >= EDGE_MS && endMs <= durationMs - EDGE_MS
  const bursts = plan.bursts
    .map((burst) => ({ ...burst, startMs: burst.startMs - fromMs }))
    .filter((burst) => isWhole(burst.startMs, burst.startMs + burst.durationMs))
  const inside = {
    ...heard,
    bursts: heard.bursts.filter((each) => isWhole(each.startMs, each.startMs + each.durationMs)),
  }
  return { fromMs, comparison: compare({ ...plan, durationMs, bursts }, inside, { gaps: [], durationMs }) }
}
