import { PoulsenError } from '../domain/errors.ts'

/** A stretch of sound with a known place. */
export interface Burst {
  readonly startMs: number
  readonly durationMs: number
  /** Its pitch; absent where the sound has none to speak of (speech). */
  readonly frequencyHz?: number
}

/** What one leg of a generated call says: known before it is sent, so that what was recorded can be compared with it. */
export interface SignalPlan {
  readonly kind: 'tones' | 'speech'
  /** 0 to {@link LEGS_MAX} − 1. Legs differ in all their pitches, so that cross-talk is found. */
  readonly leg: number
  readonly seed: number
  readonly durationMs: number
  /** In order of time, never overlapping. */
  readonly bursts: readonly Burst[]
  /** A quiet tone that never stops: wherever it is not heard, audio is missing. */
  readonly pilotHz: number
}

/** What a plan is made from. */
export interface SignalOptions {
  readonly durationMs: number
  readonly leg?: number
  readonly seed?: number
}

/** Fills `samples` with the signal from `fromSample` on, at one sample rate. Any part may be asked for, in any order. */
export type ReadSignal = (fromSample: number, samples: Int16Array) => void

export const LEGS_MAX = 4
/** A day. */
export const DURATION_MAX_MS = 86_400_000
export const MS_PER_SECOND = 1000
/** Peak of a burst and of the pilot below it, of full scale 1. */
export const BURST_AMPLITUDE = 0.3
export const PILOT_AMPLITUDE = 0.03

const PILOT_LOWEST_HZ = 240
const PILOT_STEP_HZ = 40

/** The pilot of a leg, far below its bursts in pitch and in level. */
export const pilotOf = (leg: number): number => PILOT_LOWEST_HZ + PILOT_STEP_HZ * leg

/** The options with what they leave out. Throws CALL_INVALID for a duration or a leg out of range. */
export const checkedSignalOptions = ({ durationMs, leg = 0, seed = 1 }: SignalOptions): Required<SignalOptions> => {
  if (!(durationMs > 0 && durationMs <= DURATION_MAX_MS)) {
    throw invalid(`A signal lasts more than 0 ms and at most ${DURATION_MAX_MS} ms, not ${durationMs}.`)
  }
  if (!Number.isInteger(leg) || leg < 0 || leg >= LEGS_MAX) {
    throw invalid(`A leg is a number from 0 to ${LEGS_MAX - 1}, not ${leg}.`)
  }
  return { durationMs, leg, seed }
}

/** A request to the call generator that makes no sense. */
export const invalid = (message: string, hint?: string): PoulsenError =>
  new PoulsenError({ code: 'CALL_INVALID', kind: 'invalid', message, ...(hint !== undefined && { hint }) })

/** The position of the first burst that ends after `atMs`. */
export const firstBurstAfter = (bursts: readonly Burst[], atMs: number): number => {
  let low = 0
  let high = bursts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const burst = bursts[middle] as Burst
    if (burst.startMs + burst.durationMs <= atMs) low = middle + 1
    else high = middle
  }
  return low
}

const FULL_SCALE = 32_767

/** −1 to 1 as 16-bit samples; what is louder is clipped. */
export const quantise = (sound: Float32Array, samples: Int16Array): void => {
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = Math.max(-1, Math.min(1, sound[index] ?? 0)) * FULL_SCALE
  }
}

/** Adds a sine to a stretch of sound. `phase` is that of the first sample, in radians; `step` the angle from one sample to the next. */
export const addSine = (
  sound: Float32Array,
  stretch: { readonly from: number; readonly to: number },
  sine: { readonly phase: number; readonly step: number; readonly amplitude: number },
): void => {
  // Two multiplications a sample instead of a sine: a thousand streams are rendered at once.
  const turn = 2 * Math.cos(sine.step)
  let before = sine.amplitude * Math.sin(sine.phase - sine.step)
  let now = sine.amplitude * Math.sin(sine.phase)
  for (let index = stretch.from; index < stretch.to; index += 1) {
    sound[index] = (sound[index] as number) + now
    const next = turn * now - before
    before = now
    now = next
  }
}
