import { type Random, randomWhole, seededRandom } from './random.ts'
import {
  addSine,
  BURST_AMPLITUDE,
  type Burst,
  checkedSignalOptions,
  firstBurstAfter,
  LEGS_MAX,
  MS_PER_SECOND,
  PILOT_AMPLITUDE,
  pilotOf,
  quantise,
  type ReadSignal,
  type SignalOptions,
  type SignalPlan,
} from './signal.ts'

const PITCHES_PER_LEG = 8
const PITCH_LOWEST_HZ = 520
const PITCH_STEP_HZ = 80

const LEAD_MS = 100
const BURST_MIN_MS = 150
const BURST_MAX_MS = 400
const PAUSE_MIN_MS = 80
const PAUSE_MAX_MS = 300
/** A burst swells and dies away over this time, half of it outside: at its onset it is half as loud as inside. */
const RAMP_MS = 1

/** The pitches of a leg: those of all legs interleave from 520 Hz to 3 kHz, within what a telephone passes. */
export const pitchesOf = (leg: number): readonly number[] =>
  Array.from(
    { length: PITCHES_PER_LEG },
    (_, index) => PITCH_LOWEST_HZ + PITCH_STEP_HZ * (index * LEGS_MAX + (leg % LEGS_MAX)),
  )

/** The pitches of all legs, so that one leg's tones are recognised in another's recording. */
export const ALL_PITCHES: readonly number[] = Array.from({ length: LEGS_MAX }, (_, leg) => pitchesOf(leg)).flat()

/**
 * Tone bursts whose places, lengths and pitches follow from leg and seed: no two stretches of a plan are alike, so a shift of any length shows.
 * Throws CALL_INVALID for a duration of 0 or over a day, or a leg that is none.
 */
export const planTones = (options: SignalOptions): SignalPlan => {
  const { durationMs, leg, seed } = checkedSignalOptions(options)
  const random = seededRandom(seed)
  const pitches = pitchesOf(leg)
  const bursts: Burst[] = []
  let pitch = randomWhole(random, 0, pitches.length - 1)
  for (let startMs = LEAD_MS; ; ) {
    const lengthMs = randomWhole(random, BURST_MIN_MS, BURST_MAX_MS)
    if (startMs + lengthMs + RAMP_MS > durationMs) break
    pitch = anotherPitch(random, pitch)
    bursts.push({ startMs, durationMs: lengthMs, frequencyHz: pitches[pitch] as number })
    startMs += lengthMs + randomWhole(random, PAUSE_MIN_MS, PAUSE_MAX_MS)
  }
  return { kind: 'tones', leg, seed, durationMs, bursts, pilotHz: pilotOf(leg) }
}

const anotherPitch = (random: Random, pitch: number): number =>
  (pitch + randomWhole(random, 1, PITCHES_PER_LEG - 1)) % PITCHES_PER_LEG

/** The samples of a plan of tones. */
export const renderTones =
  (plan: SignalPlan, sampleRateHz: number): ReadSignal =>
  (fromSample, samples) => {
    const sound = new Float32Array(samples.length)
    addPilot(sound, plan, sampleRateHz, fromSample)
    const endMs = ((fromSample + samples.length) * MS_PER_SECOND) / sampleRateHz
    const startMs = (fromSample * MS_PER_SECOND) / sampleRateHz - RAMP_MS
    for (let index = firstBurstAfter(plan.bursts, startMs); index < plan.bursts.length; index += 1) {
      const burst = plan.bursts[index] as Burst
      if (burst.startMs - RAMP_MS >= endMs) break
      addBurst(sound, burst, sampleRateHz, fromSample)
    }
    quantise(sound, samples)
  }

/** Adds the quiet tone under the bursts, as long as the plan lasts. */
export const addPilot = (sound: Float32Array, plan: SignalPlan, sampleRateHz: number, fromSample: number): void => {
  const step = (2 * Math.PI * plan.pilotHz) / sampleRateHz
  const to = Math.max(
    0,
    Math.min(sound.length, Math.round((plan.durationMs * sampleRateHz) / MS_PER_SECOND) - fromSample),
  )
  addSine(sound, { from: 0, to }, { phase: step * fromSample, step, amplitude: PILOT_AMPLITUDE })
}

const addBurst = (sound: Float32Array, burst: Burst, sampleRateHz: number, fromSample: number): void => {
  const perMs = sampleRateHz / MS_PER_SECOND
  const ramp = RAMP_MS * perMs
  const start = burst.startMs * perMs - ramp / 2 - fromSample
  const end = (burst.startMs + burst.durationMs) * perMs + ramp / 2 - fromSample
  const from = Math.max(0, Math.ceil(start))
  const to = Math.min(sound.length, Math.floor(end) + 1)
  if (from >= to) return
  const step = (2 * Math.PI * (burst.frequencyHz ?? PITCH_LOWEST_HZ)) / sampleRateHz
  const tone = new Float32Array(to - from)
  addSine(
    tone,
    { from: 0, to: tone.length },
    { phase: step * (from - burst.startMs * perMs + fromSample), step, amplitude: BURST_AMPLITUDE },
  )
  for (let index = from; index < to; index += 1) {
    const gain = Math.min(1, (index - start) / ramp, (end - index) / ramp)
    sound[index] = (sound[index] as number) + gain * (tone[index - from] as number)
  }
}
