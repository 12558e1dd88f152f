import { type Comparison, compare, type Expectation } from './compare.ts'
import { listen } from './listen.ts'
import type { SignalPlan } from './signal.ts'

/** Measures one channel of a recording, −1 to 1, and compares it with what was sent. */
export const analyse = (
  samples: Float32Array,
  sampleRateHz: number,
  plan: SignalPlan,
  expectation: Expectation,
): Comparison => compare(plan, listen(samples, sampleRateHz, plan.kind), expectation)
