import { invalid } from './signal.ts'

/** A stretch in which nothing is sent. Its ends count in the time of the signal, rounded up to whole frames. */
export interface Hold {
  readonly fromMs: number
  readonly toMs: number
  /** Whether the RTP timestamp counts the time that passes, or goes on behind the hold where it was. */
  readonly timestamps: 'go-on' | 'stand-still'
}

/** What happens to a stream on its way. Everything is absent unless said; what is random follows from the seed. */
export interface Impairments {
  /** Share of packets that never arrive, 0 to 0.9. The first packet always does, so that the recording's beginning is known. */
  readonly lossRatio?: number
  /** Mean number of packets lost in a row, 1 to 100; 1 unless said. */
  readonly lossBurstPackets?: number
  /** Share of packets that are overtaken, and by how much at most. */
  readonly reorderRatio?: number
  readonly reorderMs?: number
  /** The way takes so much longer for every packet of this stream. */
  readonly delayMs?: number
  /** Every packet is late by 0 to this much; the order stays. */
  readonly jitterMs?: number
  /** Share of packets that come twice, and how long after at most. */
  readonly duplicateRatio?: number
  readonly duplicateMs?: number
  /** How much faster the sender's clock runs than ours, in millionths: its packets come sooner, their timestamps and content are the same. */
  readonly driftPpm?: number
  /** From these times on the source has another SSRC, with a sequence and timestamps of its own; in rising order. */
  readonly ssrcChangesAtMs?: readonly number[]
  /** In rising order, not overlapping. */
  readonly holds?: readonly Hold[]
  /** The first sequence number and timestamp; random unless said. 65 500 shows a wrap within a second. */
  readonly firstSequence?: number
  readonly firstTimestamp?: number
}

const RATIO_MAX = 0.9
/** Longest delay by any one cause. */
export const DELAY_MAX_MS = 5000
const LOSS_BURST_MAX = 100
const DRIFT_MAX_PPM = 10_000
/** Changes of source and holds of one stream. */
const EVENTS_MAX = 1000

/** Throws CALL_INVALID that names the first value out of its range. */
export const checkImpairments = (impairments: Impairments): void => {
  const between = (name: keyof Impairments, min: number, max: number) => {
    const value = impairments[name]
    if (value === undefined || (typeof value === 'number' && value >= min && value <= max)) return
    throw invalid(`${name} lies between ${min} and ${max}.`)
  }
  for (const name of ['lossRatio', 'reorderRatio', 'duplicateRatio'] as const) between(name, 0, RATIO_MAX)
  for (const name of ['delayMs', 'reorderMs', 'jitterMs', 'duplicateMs'] as const) between(name, 0, DELAY_MAX_MS)
  between('lossBurstPackets', 1, LOSS_BURST_MAX)
  between('driftPpm', -DRIFT_MAX_PPM, DRIFT_MAX_PPM)
  between('firstSequence', 0, 0xffff)
  between('firstTimestamp', 0, 0xffff_ffff)
  const { holds = [], ssrcChangesAtMs = [] } = impairments
  if (holds.length > EVENTS_MAX || ssrcChangesAtMs.length > EVENTS_MAX) {
    throw invalid(`A stream has at most ${EVENTS_MAX} holds and as many changes of its source.`)
  }
  const times = holds.flatMap(({ fromMs, toMs }) => [fromMs, toMs])
  if (!isRising(times) || !isRising(ssrcChangesAtMs))
    throw invalid('Holds and changes of source come in order of time.')
}

const isRising = (times: readonly number[]): boolean => times.every((time, index) => time >= (times[index - 1] ?? 0))
