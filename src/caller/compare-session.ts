import { type Comparison, compare, complaintsOf, PACKET_TOLERANCE, type Tolerance } from './compare.ts'
import { findDelay } from './find-delay.ts'
import { type Heard, listen } from './listen.ts'
import { inOneChannel, onTimeline } from './session-timeline.ts'
import { LEGS_MAX } from './signal.ts'
import type { StreamOutcome } from './siprec-outcome.ts'
import { pitchesOf } from './tones.ts'

/** One channel of a recording of a session, beside the stream that it should be. */
export interface ChannelComparison {
  readonly channel: number
  /** Of its streams. */
  readonly legs: readonly number[]
  /** Against the common 0 of the recording: its onset errors tell how the channels stand to each other. */
  readonly comparison: Comparison
  /** By how much all of it is late, up to a second; undefined where nothing of it is heard. */
  readonly delayMs?: number
  /** The legs whose tones are heard, the one with the most first: any other than its streams' own is a swap or cross-talk. Empty for speech. */
  readonly legsHeard: readonly number[]
}

/** So many bursts at the pitches of a leg are no accident. */
const BURSTS_MIN = 2

/**
 * Compares each channel, −1 to 1, with one stream, or with several that speak one after the other. `streams` are all of the session, since the recording begins
 * with the first packet of any; `order` says which of them each channel is, by position; one stream a channel, in their own order, unless said. Voices that
 * sound at once are for {@link findTones}.
 */
export const compareSession = (
  channels: readonly Float32Array[],
  sampleRateHz: number,
  streams: readonly StreamOutcome[],
  order: readonly (readonly number[])[] = [...streams.keys()].map((position) => [position]),
): readonly ChannelComparison[] => {
  const timeline = onTimeline(streams)
  return order.flatMap((positions, channel) => {
    const timed = inOneChannel(positions.flatMap((position) => timeline[position] ?? []))
    if (!timed) return []
    const heard = listen(channels[channel] ?? new Float32Array(), sampleRateHz, timed.plan.kind)
    const comparison = compare(timed.plan, heard, timed.expectation)
    const legs = positions.flatMap((position) => streams[position]?.leg ?? [])
    const delayMs = findDelay(timed.plan, heard)
    return [{ channel, legs, comparison, ...(delayMs !== undefined && { delayMs }), legsHeard: legsIn(heard) }]
  })
}

/** What is wrong with a recording of a session, a sentence each; empty when every channel is its stream, in its place. */
export const complaintsOfSession = (
  comparisons: readonly ChannelComparison[],
  tolerance: Tolerance = PACKET_TOLERANCE,
): readonly string[] =>
  comparisons.flatMap(({ channel, legs, comparison, delayMs = 0, legsHeard }) =>
    [
      ...legsHeard.filter((other) => !legs.includes(other)).map((other) => `the voice of leg ${other} is heard`),
      ...(Math.abs(delayMs) > tolerance.onsetMs ? [`all of it is ${delayMs.toFixed(1)} ms late`] : []),
      ...complaintsOf(comparison, tolerance),
    ].map((complaint) => `channel ${channel}: ${complaint}`),
  )

/** How far apart any two channels are, in milliseconds: 0 for streams that lie as they were sent; infinite when one of them is not heard at all. */
export const skewOf = (comparisons: readonly ChannelComparison[]): number => {
  const delays = comparisons.map(({ delayMs }) => delayMs ?? Number.POSITIVE_INFINITY)
  return delays.includes(Number.POSITIVE_INFINITY)
    ? Number.POSITIVE_INFINITY
    : Math.max(...delays) - Math.min(...delays)
}

const legsIn = ({ bursts }: Heard): readonly number[] => {
  const counts = Array.from({ length: LEGS_MAX }, (_, leg) => {
    const pitches = pitchesOf(leg)
    return { leg, count: bursts.filter(({ frequencyHz }) => pitches.includes(frequencyHz ?? 0)).length }
  })
  return counts
    .filter(({ count }) => count >= BURSTS_MIN)
    .sort((a, b) => b.count - a.count)
    .map(({ leg }) => leg)
}
