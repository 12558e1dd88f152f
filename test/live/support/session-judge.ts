import { type Comparison, type OnsetError, PACKET_TOLERANCE } from '../../../src/caller/compare.ts'
import { type ChannelComparison, compareSession, complaintsOfSession } from '../../../src/caller/compare-session.ts'
import { findTones } from '../../../src/caller/find-tones.ts'
import { onTimeline } from '../../../src/caller/session-timeline.ts'
import type { StreamOutcome } from '../../../src/caller/siprec-outcome.ts'
import type { Channels } from './channels.ts'
import type { WireDetails } from './live-server.ts'

/** What a recording of a session is, beside what it should be. */
export interface Judgement {
  /** A sentence each; empty when all is well. */
  readonly complaints: readonly string[]
  /** Of each channel, or of each voice of a mix, in their order. */
  readonly onsets: readonly (readonly OnsetError[])[]
}

const MILLION = 1_000_000
/** What the design promises of two legs, and of every onset, gap and end. */
const WITHIN_MS = PACKET_TOLERANCE.onsetMs

/** A stream as the clock of all saw it: a sender whose own clock is fast by so much says the same in less time. */
export const onClockOfAll = (stream: StreamOutcome, driftPpm = 0): StreamOutcome => {
  const { plan, sent } = stream
  const slower = 1 / (1 + driftPpm / MILLION)
  const stretch = <T extends { readonly startMs: number; readonly durationMs: number }>(each: T): T => ({
    ...each,
    startMs: each.startMs * slower,
    durationMs: each.durationMs * slower,
  })
  const { durationMs } = sent.truth
  const truth = { ...sent.truth, durationMs: durationMs * slower, gaps: sent.truth.gaps.map(stretch) }
  return {
    ...stream,
    plan: { ...plan, durationMs: plan.durationMs * slower, bursts: plan.bursts.map(stretch) },
    expectation: { gaps: truth.gaps, durationMs: truth.durationMs },
    sent: { ...sent, truth },
  }
}

/**
 * The streams as their recording must have them. It begins where the least late of its first packets puts the first frame: not before that should have gone
 * out, not after it has. Where in between, the earliest channel tells; everything else is held to that.
 */
export const onClockOfRecording = (
  { channels, sampleRateHz }: Channels,
  streams: readonly StreamOutcome[],
  order: readonly (readonly number[])[],
): readonly StreamOutcome[] => {
  const planned = beginningAt(streams, 0)
  const delays = compareSession(channels, sampleRateHz, planned, order).flatMap(({ delayMs }) => delayMs ?? [])
  const earliestMs = Math.min(0, ...delays)
  return beginningAt(streams, Math.min(-earliestMs, firstLatenessOf(streams)))
}

/** As if every first packet had been so late. */
const beginningAt = (streams: readonly StreamOutcome[], lateFirstMs: number): readonly StreamOutcome[] =>
  streams.map((stream) => ({ ...stream, sent: { ...stream.sent, lateFirstMs } }))

/** By how much the first packet of all was later than it should have been. */
const firstLatenessOf = (streams: readonly StreamOutcome[]): number => {
  const planned = streams.map(({ beginsAtUnixMs }) => beginsAtUnixMs)
  const sent = streams.map((stream) => stream.beginsAtUnixMs + stream.sent.lateFirstMs)
  return Math.min(...sent) - Math.min(...planned)
}

/** How late packets of these streams went out at the worst: so late may be what only their arrival has placed. */
export const latenessOf = (streams: readonly StreamOutcome[]): number =>
  Math.max(...streams.map(({ sent }) => sent.lateMaxMs))

/**
 * Judges a recording in which no two streams of one channel sound at once. `order`: which streams each channel is, see {@link compareSession};
 * `forgivenMs`: beyond 20 ms.
 */
export const judgeChannels = (
  { channels, sampleRateHz }: Channels,
  streams: readonly StreamOutcome[],
  order: readonly (readonly number[])[],
  forgivenMs = 0,
): Judgement => {
  const withinMs = WITHIN_MS + forgivenMs
  const comparisons = compareSession(channels, sampleRateHz, streams, order).map((each) =>
    each.legs.some((_, index) => isOpus(streams[order[each.channel]?.[index] ?? -1]))
      ? withoutSilences(each)
      : withoutSteps(each, withinMs),
  )
  return {
    complaints: complaintsOfSession(comparisons, { onsetMs: withinMs, gapMs: withinMs, durationMs: withinMs }),
    onsets: comparisons.map(({ comparison }) => comparison.onsets),
  }
}

/** Judges one channel in which voices sound at once: every tone of each must be found, in its place. */
export const judgeMix = (
  samples: Float32Array,
  sampleRateHz: number,
  streams: readonly StreamOutcome[],
  {
    mixed = [...streams.keys()],
    forgivenMs = 0,
  }: { readonly mixed?: readonly number[]; readonly forgivenMs?: number } = {},
): Judgement => {
  const timeline = onTimeline(streams)
  const found = mixed.flatMap((position) => {
    const stream = timeline[position]
    return stream ? [{ position, ...findTones(samples, sampleRateHz, stream) }] : []
  })
  return {
    complaints: found.flatMap(({ position, missing, onsets }) => [
      ...missing.map((burst) => `stream ${position} is not heard: ${JSON.stringify(burst)}`),
      ...onsets
        .filter(({ errorMs }) => Math.abs(errorMs) > WITHIN_MS + forgivenMs)
        .map((onset) => `stream ${position} is off: ${JSON.stringify(onset)}`),
      ...(onsets.length === 0 ? [`stream ${position}: no tone could be measured`] : []),
    ]),
    onsets: found.map(({ onsets }) => onsets),
  }
}

/** Gaps within a stream that the recording's marks do not have, or have elsewhere. */
export const missingMarks = (
  { quality }: WireDetails,
  streams: readonly StreamOutcome[],
  forgivenMs = 0,
): readonly string[] => {
  const offsets = onTimeline(streams).map(({ offsetMs }) => offsetMs)
  const isNear = (a: number, b: number) => Math.abs(a - b) <= WITHIN_MS + forgivenMs
  return streams.flatMap(({ sent }, position) => {
    const marks = (quality?.gaps ?? []).filter(({ stream }) => stream === position)
    return sent.truth.gaps
      .filter(({ startMs }) => startMs > 0)
      .map(({ startMs, durationMs }) => ({ startMs: startMs + (offsets[position] ?? 0), durationMs }))
      .filter(
        (gap) => !marks.some((mark) => isNear(mark.start_ms, gap.startMs) && isNear(mark.duration_ms, gap.durationMs)),
      )
      .map((gap) => `stream ${position}: a gap is not marked: ${JSON.stringify(gap)}`)
  })
}

/** Onsets that are further from each other say nothing about how their streams stand at one time. */
const NEAR_MS = 1_500

/** How far two streams are apart at the worst moment: the difference of what an onset of the one and the nearest of the other are off by; 0 when none is near. */
export const worstMisalignmentMs = ([first = [], ...others]: Judgement['onsets']): number =>
  Math.max(0, ...others.flatMap((other) => first.flatMap((onset) => apart(onset, other))))

const apart = (onset: OnsetError, others: readonly OnsetError[]): readonly number[] => {
  let nearest: OnsetError | undefined
  const distance = ({ startMs }: OnsetError) => Math.abs(startMs - onset.startMs)
  for (const other of others) if (!nearest || distance(other) < distance(nearest)) nearest = other
  return nearest && distance(nearest) <= NEAR_MS ? [Math.abs(nearest.errorMs - onset.errorMs)] : []
}

const isOpus = (stream: StreamOutcome | undefined): boolean => stream?.codec?.codec === 'opus'

/** What can be said of Opus: its decoder conceals the first 200 ms of what is missing and predicts what comes after, so that no silence can be measured. */
export const withoutSilences = ({ comparison, ...each }: ChannelComparison): ChannelComparison => ({
  ...each,
  comparison: { ...comparison, gaps: [], extraGaps: [], extra: [] },
})

/** Where the arrival clock decides, a stream may move by what is allowed: a silence of that length is no audio that is missing; packets are counted, too. */
export const withoutSteps = ({ comparison, ...each }: ChannelComparison, allowedMs: number): ChannelComparison => {
  const extraGaps = comparison.extraGaps.filter(({ durationMs }) => durationMs > allowedMs)
  const moved: Comparison = { ...comparison, extraGaps }
  return { ...each, comparison: moved }
}
