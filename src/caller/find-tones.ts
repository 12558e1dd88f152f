import type { Expectation, OnsetError } from './compare.ts'
import type { TimedStream } from './session-timeline.ts'
import { BURST_AMPLITUDE, type Burst, MS_PER_SECOND } from './signal.ts'

/** What is heard of the tones of one stream where others may sound as well. */
export interface FoundTones {
  /** Each tone whose beginning is heard, and how far from its place: positive when too late. */
  readonly onsets: readonly OnsetError[]
  readonly missing: readonly Burst[]
  /** The middle one of all errors, with its sign; 0 when none was found. */
  readonly medianOnsetErrorMs: number
}

/** Pitches of all legs are whole multiples of 80 Hz apart: over an eightieth of a second any of them drowns every other out. */
const PITCH_STEP_HZ = 80
const REACH_MS = 60
/** What is looked at behind an onset for how loud the tone is. */
const PLATEAU_MS = 100
/** A mix may have made it a few times quieter. */
const QUIETEST = BURST_AMPLITUDE / 6

/**
 * Looks for each tone of a plan at its pitch alone, so that it is found in a mix of several voices, to about 2 ms. Tones that begin within a gap, or closely before one,
 * are not looked for.
 */
export const findTones = (
  samples: Float32Array,
  sampleRateHz: number,
  { plan, expectation }: Pick<TimedStream, 'plan' | 'expectation'>,
): FoundTones => {
  const onsets: OnsetError[] = []
  const missing: Burst[] = []
  for (const burst of plan.bursts.filter((each) => isWhole(each, expectation))) {
    const errorMs = onsetErrorOf(burst, samples, sampleRateHz)
    if (errorMs === undefined) missing.push(burst)
    else onsets.push({ startMs: burst.startMs, errorMs })
  }
  const errors = onsets.map(({ errorMs }) => errorMs).sort((a, b) => a - b)
  return { onsets, missing, medianOnsetErrorMs: errors[errors.length >> 1] ?? 0 }
}

const isWhole = ({ startMs }: Burst, { gaps, durationMs = Number.POSITIVE_INFINITY }: Expectation): boolean => {
  const [from, to] = [startMs - REACH_MS, startMs + REACH_MS + PLATEAU_MS]
  return to < durationMs && from >= 0 && !gaps.some((gap) => gap.startMs < to && gap.startMs + gap.durationMs > from)
}

const onsetErrorOf = (burst: Burst, samples: Float32Array, sampleRateHz: number): number | undefined => {
  const perMs = sampleRateHz / MS_PER_SECOND
  const from = Math.round((burst.startMs - REACH_MS) * perMs)
  const loudness = loudnessAt(
    burst.frequencyHz ?? 0,
    samples.subarray(from, from + (2 * REACH_MS + PLATEAU_MS) * perMs),
    sampleRateHz,
  )
  // The loudest half of the stretch behind where it must have begun: a loss within it is no matter.
  const plateau =
    [...loudness.subarray(-Math.round(PLATEAU_MS * perMs))].sort((a, b) => b - a)[
      Math.round((PLATEAU_MS * perMs) / 4)
    ] ?? 0
  if (plateau < QUIETEST) return undefined
  const latest = loudness.length - Math.round(PLATEAU_MS * perMs)
  let at = latest
  while (at > 0 && (loudness[at] as number) >= plateau / 2) at -= 1
  // It sounded before, or not until later.
  return at === 0 || at === latest ? undefined : at / perMs - REACH_MS
}

/** The amplitude of one frequency around each sample. */
const loudnessAt = (frequencyHz: number, samples: Float32Array, sampleRateHz: number): Float32Array => {
  const length = Math.round(sampleRateHz / PITCH_STEP_HZ)
  const step = (2 * Math.PI * frequencyHz) / sampleRateHz
  const loudness = new Float32Array(samples.length)
  let [real, imaginary] = [0, 0]
  for (let end = 0; end < samples.length; end += 1) {
    const [now, old] = [samples[end] as number, samples[end - length] ?? 0]
    real += now * Math.cos(step * end) - old * Math.cos(step * (end - length))
    imaginary += now * Math.sin(step * end) - old * Math.sin(step * (end - length))
    const middle = end - (length >> 1)
    if (middle >= 0) loudness[middle] = (2 * Math.hypot(real, imaginary)) / length
  }
  return loudness
}
