import { PACKET_TOLERANCE } from '../../../src/caller/compare.ts'
import { type ChannelComparison, compareSession, complaintsOfSession } from '../../../src/caller/compare-session.ts'
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

const PACKET_MS = 20

/** How much of each stream must be there, from its first frame on: what had left by then, late as it was. */
export const mustHaveMs = (streams: readonly StreamOutcome[], untilMs: number): readonly number[] => {
  const leftMs = untilMs - latenessOf(streams)
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
  const withinMs = PACKET_TOLERANCE.onsetMs + latenessOf(streams)
  const comparisons = compareSession(channels.channels, channels.sampleRateHz, streams, order).map((each) => {
    const positions = order[each.channel] ?? []
    const lastMs = each.comparison.onsets.at(-1)?.startMs ?? 0
    const isOpus = positions.some((position) => streams[position]?.codec?.codec === 'opus')
    const samples = channels.channels[each.channel]?.length ?? 0
    const lengthMs = (samples * 1000) / channels.sampleRateHz
    return forgivingEnd(isOpus ? withoutSilences(each) : withoutSteps(each, withinMs), { lastMs, lengthMs })
  })
  const judged = comparisons.filter(({ channel }) => (order[channel] ?? []).some((position) => hasTones(cut[position])))
  return complaintsOfSession(judged, { onsetMs: withinMs, gapMs: withinMs, durationMs: withinMs })
}

/** There is a sound whose beginning must be heard. */
const hasTones = (stream: StreamOutcome | undefined): boolean =>
  stream?.plan.bursts.some(({ startMs }) => startMs + PACKET_MS < stream.sent.truth.durationMs) ?? false

/** As if it had sent no more than that. */
const cutAt = (stream: StreamOutcome, durationMs: number): StreamOutcome => {
  const { plan, sent } = stream
  // It had ended by itself.
  if (durationMs === sent.truth.durationMs) return stream
  const bursts = plan.bursts.filter((burst) => burst.startMs + burst.durationMs < durationMs - PACKET_MS)
  const gaps = sent.truth.gaps.filter((gap) => gap.startMs + gap.durationMs < durationMs)
  return {
    ...stream,
    plan: { ...plan, durationMs, bursts },
    expectation: { gaps, durationMs },
    sent: { ...sent, truth: { ...sent.truth, gaps, durationMs, sent: durationMs > 0 ? sent.truth.sent : 0 } },
  }
}

/** Behind what must be there is either nothing or more. */
const forgivingEnd = (
  { comparison, ...each }: ChannelComparison,
  { lastMs, lengthMs }: { readonly lastMs: number; readonly lengthMs: number },
): ChannelComparison => {
  const endMs = lengthMs - comparison.durationErrorMs - 1
  return {
    ...each,
    comparison: {
      ...comparison,
      durationErrorMs: 0,
      extra: comparison.extra.filter(({ startMs }) => startMs < lastMs),
      gaps: comparison.gaps.filter(({ gap }) => gap.startMs + gap.durationMs < endMs),
    },
  }
}
