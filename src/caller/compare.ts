import type { Heard, Silence } from './listen.ts'
import type { Burst, SignalPlan } from './signal.ts'

/** What is known of the way from the sender to the recording. */
export interface Expectation {
  /** Stretches of the recording that must be silent since their audio was never sent or was lost on the way; in order, not overlapping. */
  readonly gaps: readonly Silence[]
  /** How long the recording should be; the plan's own length when absent. */
  readonly durationMs?: number
}

/** One burst that was heard, and how far from its place: positive when too late. */
export interface OnsetError {
  readonly startMs: number
  readonly errorMs: number
}

/** One gap that had to be there, beside the silence that was heard; the errors are absent when there was none. */
export interface GapFinding {
  readonly gap: Silence
  readonly startErrorMs?: number
  readonly durationErrorMs?: number
}

/** How a recording differs from what was sent. */
export interface Comparison {
  readonly onsets: readonly OnsetError[]
  /** Largest error of an onset, without its sign; 0 when no onset could be measured. */
  readonly worstOnsetErrorMs: number
  /** The middle one of all errors, with its sign: the delay that the codec or the recorder adds to everything. */
  readonly medianOnsetErrorMs: number
  /** Bursts of the plan whose onset was not in a gap, and that nobody heard. */
  readonly missing: readonly Burst[]
  /** Heard, but never sent: cross-talk, repetition, noise, the wrong pitch. */
  readonly extra: readonly Burst[]
  readonly gaps: readonly GapFinding[]
  /** Silences where sound should be. */
  readonly extraGaps: readonly Silence[]
  readonly durationErrorMs: number
}

/** How far from its place an onset is looked for. */
const REACH_MS = 60
/** A rest of a burst between gaps that is shorter than this may be heard or not. */
const REST_MIN_MS = 16
const SCRAP_MAX_MS = 40
/** How far the sound around a gap may reach into it: what decoders add of their own. */
const SLACK_MS = 15
/** A silence that nobody ordered counts from here. */
const EXTRA_GAP_MIN_MS = 8

/** A stretch of the plan that should be heard as one. */
export interface Rest {
  readonly burst: Burst
  readonly startMs: number
  readonly endMs: number
}

/** Compares what was heard in one channel with what was planned for it. */
export const compare = (plan: SignalPlan, heard: Heard, { gaps, durationMs }: Expectation): Comparison => {
  const rests = restsOf(plan.bursts, gaps)
  const { onsets, missing } = findOnsets(rests, heard.bursts)
  const errors = onsets.map(({ errorMs }) => errorMs).sort((a, b) => a - b)
  return {
    onsets,
    missing,
    worstOnsetErrorMs: Math.max(0, ...[errors[0] ?? 0, errors.at(-1) ?? 0].map(Math.abs)),
    medianOnsetErrorMs: errors[errors.length >> 1] ?? 0,
    extra: findExtra(rests, heard.bursts).filter((burst) => !isScrap(burst, gaps)),
    gaps: gaps.map((gap) => findGap(gap, heard.silences)),
    extraGaps: findExtraGaps(gaps, heard, durationMs ?? plan.durationMs),
    durationErrorMs: heard.durationMs - (durationMs ?? plan.durationMs),
  }
}

const endOf = ({ startMs, durationMs }: Silence | Burst): number => startMs + durationMs

/** What is left of the bursts outside the gaps. */
export const restsOf = (bursts: readonly Burst[], gaps: readonly Silence[]): readonly Rest[] => {
  const rests: Rest[] = []
  let next = 0
  for (const burst of bursts) {
    while (next < gaps.length && endOf(gaps[next] as Silence) <= burst.startMs) next += 1
    let atMs = burst.startMs
    for (let index = next; index < gaps.length && atMs < endOf(burst); index += 1) {
      const gap = gaps[index] as Silence
      if (gap.startMs >= endOf(burst)) break
      if (gap.startMs > atMs) rests.push({ burst, startMs: atMs, endMs: gap.startMs })
      atMs = endOf(gap)
    }
    if (atMs < endOf(burst)) rests.push({ burst, startMs: atMs, endMs: endOf(burst) })
  }
  return rests
}

const isSameSound = (a: Burst, b: Burst): boolean =>
  a.frequencyHz === undefined || b.frequencyHz === undefined || a.frequencyHz === b.frequencyHz

const findOnsets = (
  rests: readonly Rest[],
  heard: readonly Burst[],
): { readonly onsets: readonly OnsetError[]; readonly missing: readonly Burst[] } => {
  const onsets: OnsetError[] = []
  const missing: Burst[] = []
  let first = 0
  for (const { burst, startMs, endMs } of rests) {
    if (startMs !== burst.startMs || endMs - startMs < REST_MIN_MS) continue
    while (first < heard.length && (heard[first] as Burst).startMs < startMs - REACH_MS) first += 1
    let best: number | undefined
    for (let index = first; index < heard.length; index += 1) {
      const candidate = heard[index] as Burst
      if (candidate.startMs > startMs + REACH_MS) break
      const errorMs = candidate.startMs - startMs
      if (isSameSound(burst, candidate) && Math.abs(errorMs) < Math.abs(best ?? Number.POSITIVE_INFINITY))
        best = errorMs
    }
    if (best === undefined) missing.push(burst)
    else onsets.push({ startMs, errorMs: best })
  }
  return { onsets, missing }
}

/** Heard bursts that overlap nothing of their own sound that should be there. */
const findExtra = (rests: readonly Rest[], heard: readonly Burst[]): readonly Burst[] => {
  let first = 0
  return heard.filter((burst) => {
    if (burst.durationMs < REST_MIN_MS) return false
    while (first < rests.length && (rests[first] as Rest).endMs + REACH_MS < burst.startMs) first += 1
    for (let index = first; index < rests.length; index += 1) {
      const rest = rests[index] as Rest
      if (rest.startMs - REACH_MS > endOf(burst)) break
      if (isSameSound(rest.burst, burst)) return false
    }
    return true
  })
}

/** A short piece of sound beside a gap: what a codec with a memory makes of a burst of which it has missed a part has no pitch to speak of. */
const isScrap = (burst: Burst, gaps: readonly Silence[]): boolean =>
  burst.durationMs < SCRAP_MAX_MS &&
  gaps.some((gap) => burst.startMs < endOf(gap) + SLACK_MS && endOf(burst) > gap.startMs - SLACK_MS)

const overlapMs = (a: Silence, b: Silence): number => Math.min(endOf(a), endOf(b)) - Math.max(a.startMs, b.startMs)

const findGap = (gap: Silence, silences: readonly Silence[]): GapFinding => {
  let best: Silence | undefined
  let bestMs = 0
  for (const silence of silences) {
    const sharedMs = overlapMs(gap, silence)
    if (sharedMs > bestMs) [best, bestMs] = [silence, sharedMs]
  }
  if (!best) return { gap }
  return { gap, startErrorMs: best.startMs - gap.startMs, durationErrorMs: best.durationMs - gap.durationMs }
}

/** Silences that no gap explains. */
const findExtraGaps = (gaps: readonly Silence[], heard: Heard, durationMs: number): readonly Silence[] =>
  heard.silences.filter(
    (silence) =>
      silence.durationMs >= EXTRA_GAP_MIN_MS &&
      // Behind the end of what was sent there is nothing to hear; the duration's error tells of it.
      silence.startMs < durationMs - SLACK_MS &&
      !gaps.some((gap) => overlapMs(gap, silence) > 0),
  )

/** What a comparison may differ by, in milliseconds. */
export interface Tolerance {
  readonly onsetMs: number
  readonly durationMs: number
  readonly gapMs: number
}

/** 20 ms each: one packet. */
export const PACKET_TOLERANCE: Tolerance = { onsetMs: 20, durationMs: 20, gapMs: 20 }
const EXAMPLES_MAX = 3

/** What is wrong with a recording, a sentence each; empty when it is what was sent. */
export const complaintsOf = (comparison: Comparison, tolerance: Tolerance = PACKET_TOLERANCE): readonly string[] => {
  const isFar = (errorMs: number | undefined, allowedMs: number) => Math.abs(errorMs ?? 0) > allowedMs
  const gapsOff = comparison.gaps.filter(
    ({ startErrorMs, durationErrorMs }) =>
      startErrorMs === undefined || isFar(startErrorMs, tolerance.gapMs) || isFar(durationErrorMs, tolerance.gapMs),
  )
  return [
    ...complain(
      'onsets are off',
      comparison.onsets.filter(({ errorMs }) => isFar(errorMs, tolerance.onsetMs)),
    ),
    ...complain('bursts are missing', comparison.missing),
    ...complain('bursts were never sent', comparison.extra),
    ...complain('gaps are not as they should be', gapsOff),
    ...complain('silences should be sound', comparison.extraGaps),
    ...(isFar(comparison.durationErrorMs, tolerance.durationMs)
      ? [`the duration is off by ${comparison.durationErrorMs.toFixed(1)} ms`]
      : []),
    ...(comparison.onsets.length === 0 ? ['no burst could be measured'] : []),
  ]
}

const complain = (what: string, cases: readonly unknown[]): readonly string[] =>
  cases.length === 0
    ? []
    : [
        `${cases.length} ${what}, e.g. ${cases
          .slice(0, EXAMPLES_MAX)
          .map((each) => JSON.stringify(each))
          .join(' ')}`,
      ]
