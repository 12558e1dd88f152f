import type { Heard } from './listen.ts'
import type { Burst, SignalPlan } from './signal.ts'

/** How far off a channel may be as a whole. */
const REACH_MS = 1000
/** Onsets that agree to this are of one delay. */
const AGREE_MS = 6
/** This part of the onsets that are heard must agree: pairs that fit by accident are far fewer. */
const AGREE_PART = 1 / 3

/**
 * By how much all that is heard is late against a plan, negative when early: the delay that most pairs of a planned and a heard onset of one pitch agree on. Up to a
 * second, also where a comparison burst by burst finds nothing; undefined where there is no such agreement, as for another voice.
 */
export const findDelay = (plan: SignalPlan, { bursts }: Heard): number | undefined => {
  const delays = pairsOf(plan.bursts, bursts).sort((a, b) => a - b)
  let [best, first] = [{ from: 0, count: 0 }, 0]
  for (const [index, delayMs] of delays.entries()) {
    while (delayMs - (delays[first] as number) > AGREE_MS) first += 1
    const count = index + 1 - first
    if (count > best.count) best = { from: first, count }
  }
  if (best.count < Math.max(1, bursts.length * AGREE_PART)) return undefined
  return delays[best.from + (best.count >> 1)]
}

/** The delay of every pair within reach. */
const pairsOf = (planned: readonly Burst[], heard: readonly Burst[]): number[] => {
  const delays: number[] = []
  let first = 0
  for (const { startMs, frequencyHz } of planned) {
    while (first < heard.length && (heard[first] as Burst).startMs < startMs - REACH_MS) first += 1
    for (let index = first; index < heard.length; index += 1) {
      const burst = heard[index] as Burst
      if (burst.startMs > startMs + REACH_MS) break
      if (burst.frequencyHz === frequencyHz) delays.push(burst.startMs - startMs)
    }
  }
  return delays
}
