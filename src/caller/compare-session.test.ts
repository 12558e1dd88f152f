import { describe, expect, it } from 'vitest'
import { compareSession, complaintsOfSession, skewOf } from './compare-session.ts'
import { findTones } from './find-tones.ts'
import { listen } from './listen.ts'
import { onTimeline } from './session-timeline.ts'
import type { StreamOutcome } from './siprec-outcome.ts'
import { planTones, renderTones } from './tones.ts'

const RATE_HZ = 8000
const PER_MS = RATE_HZ / 1000

interface Cut {
  readonly beginsAtMs: number
  readonly durationMs: number
  readonly gaps?: StreamOutcome['expectation']['gaps']
}

/** A stream of a leg that sent so much of a plan. */
const streamOf = (leg: number, { beginsAtMs, durationMs, gaps = [] }: Cut, seed = 40 + leg): StreamOutcome => {
  const sentMs = durationMs - gaps.reduce((sum, gap) => sum + gap.durationMs, 0)
  return {
    label: `${leg}`,
    leg,
    plan: planTones({ durationMs, leg, seed }),
    expectation: { gaps, durationMs },
    beginsAtUnixMs: 1_700_000_000_000 + beginsAtMs,
    sent: {
      lateFirstMs: 0,
      truth: { sent: sentMs / 20, gaps, durationMs: sentMs === 0 ? 0 : durationMs, ssrcs: [1] },
    } as unknown as StreamOutcome['sent'],
    remote: {} as StreamOutcome['remote'],
  }
}

/** What a perfect recording has of a stream, moved by so much. */
const channelOf = ({ plan, sent, beginsAtUnixMs }: StreamOutcome, zeroMs: number, wholeMs: number, lateMs = 0) => {
  const samples = new Float32Array(wholeMs * PER_MS)
  const whole = new Int16Array(plan.durationMs * PER_MS)
  renderTones(plan, RATE_HZ)(0, whole)
  for (const gap of sent.truth.gaps) whole.fill(0, gap.startMs * PER_MS, (gap.startMs + gap.durationMs) * PER_MS)
  const at = Math.round((beginsAtUnixMs - 1_700_000_000_000 - zeroMs + lateMs) * PER_MS)
  for (const [index, sample] of whole.entries())
    if (at + index >= 0 && at + index < samples.length) samples[at + index] = sample / 32_768
  return samples
}

const two = [streamOf(0, { beginsAtMs: 0, durationMs: 6000 }), streamOf(1, { beginsAtMs: 700, durationMs: 4000 })]
const channels = two.map((stream) => channelOf(stream, 0, 6000))
const [left = new Float32Array(), right = new Float32Array()] = channels

describe('a stereo recording of two streams', () => {
  it('is what was sent, with silence around the one that came later and went sooner', () => {
    const comparisons = compareSession(channels, RATE_HZ, two)
    expect(complaintsOfSession(comparisons, { onsetMs: 1, durationMs: 0.1, gapMs: 4 })).toEqual([])
    expect(comparisons[1]?.comparison.gaps.map(({ gap }) => gap)).toEqual([
      { startMs: 0, durationMs: 700 },
      { startMs: 4700, durationMs: 1300 },
    ])
    expect(comparisons.map(({ legsHeard }) => legsHeard)).toEqual([[0], [1]])
    expect(skewOf(comparisons)).toBeLessThan(0.5)
  })

  it('shows channels that are the wrong way round', () => {
    const complaints = complaintsOfSession(compareSession([right, left], RATE_HZ, two)).join('\n')
    expect(complaints).toMatch(/channel 0: the voice of leg 1 is heard/)
    expect(complaints).toMatch(/channel 1: the voice of leg 0 is heard/)
    expect(complaints).toMatch(/bursts are missing/)
    expect(complaintsOfSession(compareSession([right, left], RATE_HZ, two, [[1], [0]]))).toEqual([])
  })

  it('shows one voice within the other', () => {
    const mixed = left.map((sample, index) => sample + (right[index] ?? 0))
    expect(complaintsOfSession(compareSession([mixed, right], RATE_HZ, two)).join()).toMatch(
      /channel 0: the voice of leg 1/,
    )
  })

  it('shows a channel that is late against the other', () => {
    const late = channelOf(two[1] as StreamOutcome, 0, 6000, 35)
    const comparisons = compareSession([left, late], RATE_HZ, two)
    expect(skewOf(comparisons)).toBeCloseTo(35, 0)
    expect(complaintsOfSession(comparisons).join()).toMatch(/channel 1: \d+ onsets are off/)
  })

  it('shows one that is later than single bursts are looked for', () => {
    const comparisons = compareSession([left, channelOf(two[1] as StreamOutcome, 0, 6000, 240)], RATE_HZ, two)
    expect(skewOf(comparisons)).toBeCloseTo(240, 0)
    expect(complaintsOfSession(comparisons).join()).toMatch(/channel 1: all of it is 240\.\d ms late/)
    expect(skewOf(compareSession([left, new Float32Array(48_000)], RATE_HZ, two))).toBe(Number.POSITIVE_INFINITY)
  })

  it('knows a tone by its pitch although a piece of it is missing', () => {
    const cut = Float32Array.from(left)
    for (const { startMs, durationMs } of two[0]?.plan.bursts ?? []) {
      const at = Math.round((startMs + durationMs / 2) * PER_MS)
      cut.set(cut.slice(at + 29), at)
    }
    const { bursts = [] } = two[0]?.plan ?? {}
    const heard = listen(cut, RATE_HZ).bursts.map(({ frequencyHz }) => frequencyHz)
    expect(heard).toEqual(bursts.map(({ frequencyHz }) => frequencyHz))
  })

  it('tells streams of one voice apart by what they say', () => {
    const same = [
      streamOf(0, { beginsAtMs: 0, durationMs: 6000 }, 1),
      streamOf(0, { beginsAtMs: 0, durationMs: 6000 }, 5),
    ]
    const swapped = same.map((stream) => channelOf(stream, 0, 6000)).toReversed()
    expect(complaintsOfSession(compareSession(swapped, RATE_HZ, same))).not.toEqual([])
  })
})

describe('the common time line', () => {
  it('begins with the first packet that was sent, not with the first frame', () => {
    const held = [
      streamOf(0, { beginsAtMs: 0, durationMs: 3000, gaps: [{ startMs: 0, durationMs: 1000 }] }),
      streamOf(1, { beginsAtMs: 400, durationMs: 2000, gaps: [{ startMs: 500, durationMs: 200 }] }),
    ]
    expect(onTimeline(held)).toMatchObject([
      { offsetMs: -400, expectation: { gaps: [{ startMs: 0, durationMs: 600 }], durationMs: 2600 } },
      {
        offsetMs: 0,
        expectation: {
          gaps: [
            { startMs: 500, durationMs: 200 },
            { startMs: 2000, durationMs: 600 },
          ],
          durationMs: 2600,
        },
      },
    ])
    const recorded = held.map((stream) => channelOf(stream, 400, 2600))
    expect(complaintsOfSession(compareSession(recorded, RATE_HZ, held))).toEqual([])
  })

  it('has a stream that never sent anything as silence', () => {
    const silent = streamOf(1, { beginsAtMs: 0, durationMs: 1000, gaps: [{ startMs: 0, durationMs: 1000 }] })
    const [, timed] = onTimeline([streamOf(0, { beginsAtMs: 100, durationMs: 1000 }), silent])
    expect(timed).toMatchObject({ plan: { bursts: [] }, expectation: { gaps: [{ startMs: 0, durationMs: 1000 }] } })
    expect(onTimeline([silent])).toMatchObject([{ expectation: { gaps: [], durationMs: 0 } }])
  })
})

it('a channel may be a stream and the one that took its place', () => {
  const streams = [
    streamOf(0, { beginsAtMs: 0, durationMs: 6000 }),
    streamOf(1, { beginsAtMs: 0, durationMs: 2500, gaps: [{ startMs: 800, durationMs: 40 }] }),
    streamOf(2, { beginsAtMs: 3000, durationMs: 3000 }),
  ]
  const [a = new Float32Array(), b = new Float32Array(), c = new Float32Array()] = streams.map((stream) =>
    channelOf(stream, 0, 6000),
  )
  const side = b.map((sample, index) => sample + (c[index] ?? 0))
  const comparisons = compareSession([a, side], RATE_HZ, streams, [[0], [1, 2]])
  expect(complaintsOfSession(comparisons)).toEqual([])
  expect(comparisons[1]?.comparison.gaps.map(({ gap }) => gap)).toEqual([
    { startMs: 800, durationMs: 40 },
    { startMs: 2500, durationMs: 500 },
  ])
  expect(complaintsOfSession(compareSession([a, b], RATE_HZ, streams, [[0], [1, 2]]))).not.toEqual([])
})

describe('tones in a mix', () => {
  const mix = left.map((sample, index) => (sample + (right[index] ?? 0)) / 2)
  const timeline = onTimeline(two)

  it.each([0, 1])('of leg %i are found, each in its place', (position) => {
    const found = findTones(mix, RATE_HZ, timeline[position] as (typeof timeline)[number])
    expect(found.missing).toEqual([])
    expect(found.onsets.length).toBeGreaterThan(5)
    expect(Math.max(...found.onsets.map(({ errorMs }) => Math.abs(errorMs)))).toBeLessThan(3)
    expect(Math.abs(found.medianOnsetErrorMs)).toBeLessThan(1)
  })

  it('are missing where they were never said, and late where they are late', () => {
    const [first, second] = timeline as [(typeof timeline)[number], (typeof timeline)[number]]
    expect(findTones(left, RATE_HZ, second).onsets).toEqual([])
    const late = channelOf(two[0] as StreamOutcome, 0, 6000, 30)
    expect(findTones(late, RATE_HZ, first).medianOnsetErrorMs).toBeCloseTo(30, 0)
    expect(findTones(new Float32Array(), RATE_HZ, first).onsets).toEqual([])
  })
})
