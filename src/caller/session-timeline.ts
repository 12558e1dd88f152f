import { type Expectation, restsOf } from './compare.ts'
import type { Silence } from './listen.ts'
import type { Burst, SignalPlan } from './signal.ts'
import type { StreamOutcome } from './siprec-outcome.ts'

/** What must be heard of one stream, in the time of a recording of all. */
export interface TimedStream {
  readonly plan: SignalPlan
  readonly expectation: Expectation
  /** Where its first frame belongs, sent or not; negative when the recording begins later. */
  readonly offsetMs: number
}

/** What is shorter than this at either end of a stream is not heard as a silence. */
const EDGE_MIN_MS = 10

/**
 * The streams of a session on the common time line of a recording of them, whose 0 is the first packet of any and whose end is that of the last. Before and
 * behind what a stream sent it is silent. A stream that never sent anything is one long silence.
 */
export const onTimeline = (streams: readonly StreamOutcome[]): readonly TimedStream[] => {
  const heard = streams.filter(({ sent }) => sent.truth.sent > 0)
  // A recorder knows nothing of when the first packet should have gone out.
  const zeroMs = Math.min(...heard.map((each) => each.beginsAtUnixMs + firstSentMs(each) + each.sent.lateFirstMs))
  const endMs = Math.max(...heard.map((stream) => stream.beginsAtUnixMs + stream.sent.truth.durationMs))
  const lengthMs = heard.length === 0 ? 0 : endMs - zeroMs
  return streams.map((stream) => timed(stream, heard.length === 0 ? 0 : stream.beginsAtUnixMs - zeroMs, lengthMs))
}

/** Where the first frame was that was sent. */
const firstSentMs = ({ sent }: StreamOutcome): number => {
  const [first] = sent.truth.gaps
  return first?.startMs === 0 ? first.durationMs : 0
}

const timed = ({ plan, sent }: StreamOutcome, offsetMs: number, lengthMs: number): TimedStream => {
  const { gaps, durationMs } = sent.truth
  const isSilent = sent.truth.sent === 0
  const spans: readonly Silence[] = isSilent
    ? [{ startMs: 0, durationMs: lengthMs }]
    : [
        { startMs: 0, durationMs: offsetMs },
        ...gaps.map((gap) => ({ ...gap, startMs: gap.startMs + offsetMs })),
        { startMs: offsetMs + durationMs, durationMs: lengthMs - offsetMs - durationMs },
      ]
  const bursts = isSilent ? [] : plan.bursts.flatMap((burst) => moved(burst, offsetMs, lengthMs))
  return {
    plan: { ...plan, durationMs: lengthMs, bursts },
    expectation: { gaps: joined(spans, lengthMs), durationMs: lengthMs },
    offsetMs,
  }
}

/** What of a burst is within the recording. */
const moved = (burst: Burst, offsetMs: number, lengthMs: number): readonly Burst[] => {
  const [from, to] = [burst.startMs + offsetMs, burst.startMs + offsetMs + burst.durationMs]
  const [startMs, endMs] = [Math.max(0, from), Math.min(lengthMs, to)]
  return endMs > startMs ? [{ ...burst, startMs, durationMs: endMs - startMs }] : []
}

/** Within the recording, those that touch as one, without what is too short to be heard. */
const joined = (spans: readonly Silence[], lengthMs: number): readonly Silence[] => {
  const gaps: { startMs: number; endMs: number }[] = []
  for (const { startMs, durationMs } of spans) {
    const [from, to] = [Math.max(0, startMs), Math.min(lengthMs, startMs + durationMs)]
    const last = gaps.at(-1)
    if (to <= from) continue
    if (last && from - last.endMs < 1) last.endMs = to
    else gaps.push({ startMs: from, endMs: to })
  }
  return gaps
    .map(({ startMs, endMs }) => ({ startMs, durationMs: endMs - startMs }))
    .filter(({ durationMs }) => durationMs >= EDGE_MIN_MS)
}

/**
 * Streams of one channel that never speak at the same time, such as a line and the one that took its place, as one: it is silent where all of them are.
 * Undefined for no streams.
 */
export const inOneChannel = (streams: readonly TimedStream[]): TimedStream | undefined =>
  streams.length < 2 ? streams[0] : streams.map(spoken).reduce(together)

/** Without the bursts, and parts of them, that are in gaps: in company they would be looked for. */
const spoken = (stream: TimedStream): TimedStream => ({
  ...stream,
  plan: {
    ...stream.plan,
    bursts: restsOf(stream.plan.bursts, stream.expectation.gaps).map(({ burst, startMs, endMs }) => ({
      ...burst,
      startMs,
      durationMs: endMs - startMs,
    })),
  },
})

const together = (a: TimedStream, b: TimedStream): TimedStream => ({
  plan: { ...a.plan, bursts: [...a.plan.bursts, ...b.plan.bursts].sort((x, y) => x.startMs - y.startMs) },
  expectation: {
    ...a.expectation,
    gaps: a.expectation.gaps.flatMap((gap) => b.expectation.gaps.flatMap((other) => common(gap, other))),
  },
  offsetMs: Math.min(a.offsetMs, b.offsetMs),
})

const common = (a: Silence, b: Silence): readonly Silence[] => {
  const startMs = Math.max(a.startMs, b.startMs)
  const durationMs = Math.min(a.startMs + a.durationMs, b.startMs + b.durationMs) - startMs
  return durationMs >= EDGE_MIN_MS ? [{ startMs, durationMs }] : []
}
