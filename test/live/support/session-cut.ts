import { PACKET_TOLERANCE } from '../../../src/caller/compare.ts'
import { type ChannelComparison, compareSession, complaintsOfSession } from '../../../src/caller/compare-session.ts'
import type { Silence } from '../../../src/caller/listen.ts'
import type { StreamOutcome } from '../../../src/caller/siprec-outcome.ts'
import type { Channels } from './channels.ts'
import { latenessOf, onClockOfRecording, withoutSilences, withoutSteps } from './session-judge.ts'

/** Where a recording of several streams was cut off. */
export interface Cut {
  /** Which streams each channel is, by position; no two of one channel sound at once. */
  readonly order: readonly (readonly number[])[]
  /** Unix time: of what was sent until then nothing may be missing. */
  readonly untilMs: number
}

/** So much of a sound must be there for its beginning to be found. */
const ONSET_MS = 40
const LATE_MS = 40

/** A machine that lets the sender be late lets the server be as late. */
const lagOf = (streams: readonly StreamOutcome[]): number => 2 * latenessOf(streams)

/** How much of each stream must be there, from its first frame on: what had left by then, late as it was. */
export const mustHaveMs = (streams: readonly StreamOutcome[], untilMs: number): readonly number[] => {
  const leftMs = untilMs - lagOf(streams)
  return streams.map(({ beginsAtUnixMs, sent }) =>
    Math.max(0, Math.min(sent.truth.durationMs, leftMs - beginsAtUnixMs)),
  )
}

/**
 * What is wrong with a recording that was cut off: each channel must have all that its streams had sent until then, in its place, and no other voice. What more
 * it has is forgiven, and the sound that the end cut.
 */
export const complaintsOfCutSession = (
  channels: Channels,
  sent: readonly StreamOutcome[],
  { order, untilMs }: Cut,
): readonly string[] => {
  const must = mustHaveMs(sent, untilMs)
  const cut = sent.map((stream, position) => cutAt(stream, must[position] ?? 0))
  const streams = onClockOfRecording(channels, cut, order)
  const withinMs = PACKET_TOLERANCE.onsetMs + lagOf(streams)
  const comparisons = compareSession(channels.channels, channels.sampleRateHz, streams, order)
    // Of what was cut before its first sound nothing can be said.
    .filter(({ comparison }) => comparison.onsets.length + comparison.missing.length > 0)
    .map((each) => {
      const isOpus = order[each.channel]?.some((position) => streams[position]?.codec?.codec === 'opus')
      return forgivingEnd(isOpus ? withoutSilences(each) : withoutSteps(each, withinMs), withinMs)
    })
  const judged = latenessOf(streams) > LATE_MS ? comparisons.flatMap(forgivingPlaces) : comparisons
  return complaintsOfSession(judged, { onsetMs: withinMs, gapMs: withinMs, durationMs: withinMs })
}

/** As if it had sent no more than that. */
const cutAt = (stream: StreamOutcome, durationMs: number): StreamOutcome => {
  const { plan, sent } = stream
  // It had ended by itself.
  if (durationMs === sent.truth.durationMs) return stream
  const within = <T extends Silence>(each: T): T => ({
    ...each,
    durationMs: Math.min(each.durationMs, durationMs - each.startMs),
  })
  const bursts = plan.bursts.filter(({ startMs }) => startMs < durationMs - ONSET_MS).map(within)
  const gaps = sent.truth.gaps.filter(({ startMs }) => startMs < durationMs).map(within)
  return {
    ...stream,
    plan: { ...plan, durationMs, bursts },
    expectation: { gaps, durationMs },
    sent: { ...sent, truth: { ...sent.truth, gaps, durationMs, sent: durationMs > 0 ? sent.truth.sent : 0 } },
  }
}

/** Where the sender was late, what only its arrival has placed may be further off than sounds are looked for; but it must be there. */
const forgivingPlaces = ({ comparison, ...each }: ChannelComparison): readonly ChannelComparison[] => {
  const isThere = comparison.onsets.length === 0 && comparison.extraGaps.length === 0
  return isThere ? [] : [{ ...each, comparison: { ...comparison, missing: [], extra: [] } }]
}

/** Behind what must be there comes nothing, or more; and a short gap may have gone where a stream is allowed to be late. */
const forgivingEnd = ({ comparison, ...each }: ChannelComparison, withinMs: number): ChannelComparison => {
  const lastMs = comparison.onsets.at(-1)?.startMs ?? 0
  const isEnd = ({ startMs }: { readonly startMs: number }) => startMs > lastMs
  return {
    ...each,
    comparison: {
      ...comparison,
      durationErrorMs: 0,
      extra: comparison.extra.filter((burst) => !isEnd(burst)),
      gaps: comparison.gaps.filter(({ gap }) => !isEnd(gap) && gap.durationMs > withinMs),
    },
  }
}
