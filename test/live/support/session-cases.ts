import { SRTP_SUITES, type SrtpSuite } from '../../../src/audio/srtp/srtp-key.ts'
import type { Impairments } from '../../../src/caller/impairment.ts'
import type { SessionEvent } from '../../../src/caller/siprec-events.ts'
import type { SessionOptions } from '../../../src/caller/siprec-options.ts'
import type { StreamOptions } from '../../../src/caller/siprec-stream-options.ts'

/** One kind of session, and where each of its streams must be heard. */
export interface SessionCase {
  readonly name: string
  readonly options: Omit<SessionOptions, 'seed'>
  /** Which streams each channel has, by position. */
  readonly order: readonly (readonly number[])[]
  /** A channel whose streams sound at once. */
  readonly mixedChannel?: number
}

/** A case, and the file that it becomes. */
export interface CodecCase extends SessionCase {
  readonly codec: string
  readonly sampleRateHz: number
}

type Told = Omit<SessionOptions, 'seed' | 'durationMs'>

const TWO_CHANNELS = [[0], [1]] as const
const C = { aor: 'sip:c@example.com', name: 'Cy' }

/** Faults of the way and things that happen, for two streams that last so long: everything that could move one against the other. */
export const alignedCases = (durationMs: number): readonly SessionCase[] => {
  const caseOf = ([name, told, order = TWO_CHANNELS]: Row): SessionCase => ({
    name,
    options: { durationMs, ...told },
    order,
  })
  return [...WAYS, ...eventsIn(durationMs)].map(caseOf)
}

type Row = readonly [name: string, told: Told, order?: SessionCase['order']]

const impaired = (impairments: Impairments): StreamOptions => ({ impairments })

const drifting = (ppm: number, codecs: readonly string[] = ['PCMU']): readonly StreamOptions[] =>
  [ppm, -ppm].map((driftPpm, position) => ({ impairments: { driftPpm }, codecs: [codecs.at(position) ?? 'PCMU'] }))

const WAYS: readonly Row[] = [
  ['nothing in the way', {}],
  ['clocks 200 ppm apart', { streams: drifting(100) }],
  ['clocks 600 ppm apart', { streams: drifting(300) }],
  ['clocks 600 ppm apart in G.722 and Opus', { streams: drifting(-300, ['G722', 'opus']) }],
  ['5 % of one leg lost in bursts', { streams: [{}, impaired({ lossRatio: 0.05, lossBurstPackets: 3 })] }],
  ['jitter of 40 ms on one leg', { streams: [{}, impaired({ jitterMs: 40 })] }],
  ['one leg 2 s later', { streams: [{}, { startsAtMs: 2000 }] }],
  ['one leg later than the file waits', { streams: [{}, { startsAtMs: 5000 }] }],
]

const eventsIn = (ms: number): readonly Row[] => {
  const [early, middle, late] = [0.3 * ms, 0.5 * ms, 0.7 * ms]
  const ofOne = { streams: [1] }
  const holdAndResume = (which: { readonly streams?: readonly number[] }): readonly SessionEvent[] => [
    { atMs: early, kind: 'hold', ...which },
    { atMs: middle, kind: 'resume', ...which },
  ]
  // A little longer than it is silent by signalling, so that its timestamps never see it.
  const hold = { fromMs: early - 40, toMs: middle + 60, timestamps: 'stand-still' } as const
  const still: readonly StreamOptions[] = [{}, impaired({ holds: [hold] })]
  const transfer = { atMs: middle, kind: 'transfer', leaves: 1, joins: C } as const
  const worst: readonly StreamOptions[] = [
    impaired({ driftPpm: 100, reorderRatio: 0.1, reorderMs: 60, duplicateRatio: 0.05 }),
    { startsAtMs: 1000, ...impaired({ driftPpm: -100, lossRatio: 0.02, jitterMs: 20 }) },
  ]
  return [
    ['a hold of one leg whose timestamps go on', { events: holdAndResume(ofOne) }],
    ['a hold of one leg whose timestamps stand still', { events: holdAndResume(ofOne), streams: still }],
    ['a hold of both legs of which one stands still', { events: holdAndResume({}), streams: still }],
    ['other sources in one leg', { streams: [{}, impaired({ ssrcChangesAtMs: [early, middle, late] })] }],
    ['a transfer on the same line', { events: [transfer] }],
    ['a transfer to a new line', { events: [{ ...transfer, newStream: {} }] }, [[0], [1, 2]]],
    ['a transfer of the first participant', { events: [{ ...transfer, leaves: 0, newStream: {} }] }, [[0, 2], [1]]],
    ['all of it at once', { streams: worst, events: [...holdAndResume(ofOne), { ...transfer, atMs: late }] }],
  ]
}

/** Who is heard where. */
export const channelCases = (durationMs: number): readonly SessionCase[] => [
  {
    name: 'a third participant',
    options: { durationMs, events: [{ atMs: 0.4 * durationMs, kind: 'join', participant: C, stream: {} }] },
    order: [[0], [1, 2]],
    mixedChannel: 1,
  },
  {
    name: 'participants in another order than the lines',
    options: {
      durationMs,
      participants: [
        { aor: 'sip:a@example.com', streams: [1] },
        { aor: 'sip:b@example.com', streams: [0] },
      ],
    },
    order: [[1], [0]],
  },
]

const FILES = [
  ['PCMU', 'PCMU', 'pcm_mulaw', 8000],
  ['PCMA', 'PCMA', 'pcm_alaw', 8000],
  ['G722', 'G722', 'pcm_s16le', 16_000],
  ['opus', 'opus', 'pcm_s16le', 16_000],
  ['L16', 'L16', 'pcm_s16le', 16_000],
  ['PCMU', 'PCMA', 'pcm_s16le', 8000],
  ['G722', 'PCMU', 'pcm_s16le', 16_000],
  ['opus', 'PCMU', 'pcm_s16le', 16_000],
] as const

/** What streams of these codecs become. */
export const codecCases = (durationMs: number): readonly CodecCase[] =>
  FILES.map(([left, right, codec, sampleRateHz]) => ({
    name: `${left} and ${right}`,
    options: { durationMs, streams: [{ codecs: [left] }, { codecs: [right] }] },
    order: TWO_CHANNELS,
    codec,
    sampleRateHz,
  }))

/** Media that is secured, under new keys from the middle on. */
export const securedCases = (durationMs: number): readonly SessionCase[] =>
  (Object.keys(SRTP_SUITES) as SrtpSuite[]).map((srtp) => ({
    name: srtp,
    options: { durationMs, srtp, events: [{ atMs: 0.5 * durationMs, kind: 'rekey' }] },
    order: TWO_CHANNELS,
  }))
