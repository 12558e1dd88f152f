import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyse } from '../../src/caller/analyse.ts'
import { type Comparison, complaintsOf, type Expectation, PACKET_TOLERANCE } from '../../src/caller/compare.ts'
import type { Impairments } from '../../src/caller/impairment.ts'
import { CallGenerator, type CompletedCall } from '../../src/caller/place-call.ts'
import { LiveServer, type WireDetails } from './support/live-server.ts'

const SEED = Number(process.env.SEED ?? 20_261)
const CODECS = ['PCMU', 'PCMA', 'G722', 'L16', 'opus'] as const
const CALL_MS = 12_000
/** Audio before and behind a hold of ten seconds. */
const HOLD_CALL_MS = 18_000
/** The fourth leg's highest tones are more than a narrow Opus stream carries. */
const LEGS = 3
const TEN_MINUTES_MS = 600_000
/** Ten minutes in forty seconds. */
const SPEED = 15

const WAYS: readonly (readonly [name: string, impairments: Impairments])[] = [
  ['a clean way', {}],
  ['1 % loss', { lossRatio: 0.01 }],
  ['5 % loss, in bursts', { lossRatio: 0.05, lossBurstPackets: 3 }],
  ['20 % loss', { lossRatio: 0.2 }],
  [
    '200 ms reordering, jitter and duplicates',
    { reorderRatio: 0.1, reorderMs: 200, jitterMs: 30, duplicateRatio: 0.05, duplicateMs: 100 },
  ],
  ['100 ppm drift', { driftPpm: 100 }],
  ['changes of the SSRC', { ssrcChangesAtMs: [3_000, 7_500] }],
  ['a hold of 10 s with timestamps that go on', { holds: [{ fromMs: 4_000, toMs: 14_000, timestamps: 'go-on' }] }],
  [
    'a hold of 10 s with timestamps that stand still',
    { holds: [{ fromMs: 4_000, toMs: 14_000, timestamps: 'stand-still' }] },
  ],
]

const live = new LiveServer()
let generator: CallGenerator

beforeAll(async () => {
  await live.start()
  generator = await CallGenerator.open({ target: `sip:127.0.0.1:${live.sipPort()}` })
})

afterAll(async () => {
  generator?.close()
  await live.dispose()
})

const place = async (options: Parameters<CallGenerator['start']>[0]): Promise<CompletedCall> => {
  const started = await generator.start(options)
  if (started.kind === 'failed') throw new Error(`not answered: ${JSON.stringify(started.invite)}`)
  return started.outcome
}

/** Gaps that the recording marks otherwise than they were. */
const wrongMarks = (recording: WireDetails, { gaps }: Expectation, toleranceMs: number): readonly unknown[] => {
  const marked = recording.quality?.gaps ?? []
  if (marked.length !== gaps.length) return [{ marked: marked.length, expected: gaps.length }]
  return marked.filter(({ start_ms, duration_ms }, index) => {
    const gap = gaps[index]
    const off = Math.max(Math.abs(start_ms - (gap?.startMs ?? 0)), Math.abs(duration_ms - (gap?.durationMs ?? 0)))
    return off > toleranceMs
  })
}

/** So long after a gap an Opus decoder may still be finding its way back into the signal, which it predicts from what it has missed. */
const OPUS_RECOVERY_MS = 60

/**
 * What can be said of Opus: its decoders conceal the first 200 ms of a gap (RFC 7845 §4.1) and begin with their own delay, so there is no silence to be
 * measured, and a sound that begins in or right behind a gap does so when the decoder has caught up.
 */
const ofOpus = (comparison: Comparison, { gaps }: Expectation): Comparison => {
  const isClear = ({ startMs }: { readonly startMs: number }) =>
    gaps.every(
      (gap) => startMs < gap.startMs - OPUS_RECOVERY_MS || startMs > gap.startMs + gap.durationMs + OPUS_RECOVERY_MS,
    )
  const { onsets, missing } = comparison
  return {
    ...comparison,
    gaps: [],
    extraGaps: [],
    extra: [],
    onsets: onsets.filter(isClear),
    missing: missing.filter(isClear),
  }
}

/** What is wrong with the recording of a call; nothing, if all is well. */
const judge = async (
  outcome: CompletedCall,
): Promise<{ readonly complaints: readonly unknown[]; readonly details: string }> => {
  const recording = await live.finalOf(outcome.callId)
  expect(recording.status).toBe('completed')
  const { samples, sampleRateHz } = await live.audio(recording)
  const heard = analyse(samples, sampleRateHz, outcome.plan, outcome.expectation)
  const comparison = outcome.codec.codec === 'opus' ? ofOpus(heard, outcome.expectation) : heard
  const { worstOnsetErrorMs, durationErrorMs } = comparison
  const details = JSON.stringify({
    seed: SEED,
    streams: recording.quality?.streams,
    worstOnsetErrorMs,
    durationErrorMs,
  })
  // A timestamp that stood still leaves only the arrival clock: as late as the sender was, so late is the audio.
  const onsetMs = PACKET_TOLERANCE.onsetMs + outcome.sent.lateMaxMs
  const complaints = complaintsOf(comparison, { ...PACKET_TOLERANCE, onsetMs, durationMs: onsetMs })
  return { complaints: [...complaints, ...wrongMarks(recording, outcome.expectation, onsetMs)], details }
}

describe.each(CODECS)('a call in %s', (codec) => {
  it.concurrent.each(WAYS.map(([name, impairments], index) => [name, impairments, index] as const))(
    'over %s is recorded as it was sent',
    { timeout: 60_000 },
    async (_name, impairments, index) => {
      const outcome = await place({
        durationMs: impairments.holds ? HOLD_CALL_MS : CALL_MS,
        codecs: [codec],
        seed: SEED + index,
        leg: index % LEGS,
        impairments,
      })
      const { complaints, details } = await judge(outcome)
      expect(complaints, details).toEqual([])
    },
  )

  it.concurrent('of ten minutes, faster than real time, is as long as it was', { timeout: 120_000 }, async () => {
    const impairments = { lossRatio: 0.02, driftPpm: 100 }
    const outcome = await place({ durationMs: TEN_MINUTES_MS, codecs: [codec], seed: SEED, speed: SPEED, impairments })
    const { complaints, details } = await judge(outcome)
    expect(complaints, details).toEqual([])
  })
})
