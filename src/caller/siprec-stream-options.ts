import type { CallOptions } from './call-options.ts'
import { FRAMES_MS } from './call-options.ts'
import { callerCodecs } from './caller-codecs.ts'
import { checkImpairments } from './impairment.ts'
import { DURATION_MAX_MS, invalid, LEGS_MAX } from './signal.ts'
import { checkPresses } from './telephone-events.ts'

/** One stream of a recording session: an m-line, sockets, a voice and faults of its own. */
export interface StreamOptions
  extends Pick<
    CallOptions,
    'codecs' | 'signal' | 'leg' | 'seed' | 'frameMs' | 'impairments' | 'presses' | 'isMultiplexed' | 'frames'
  > {
  /** `a=label` (RFC 4574); unless said, `1` for the first stream and so on. */
  readonly label?: string
  /** When its audio begins and ends, in the time of the session; at 0, or when its line is added, and with the session unless said. */
  readonly startsAtMs?: number
  readonly endsAtMs?: number
  /** Offered as `inactive`, and silent, until it is resumed. */
  readonly isInactiveAtFirst?: boolean
  /** Whom a mixer has mixed: the CSRC list of every packet (RFC 3550 §5.1), at most 15. */
  readonly contributors?: readonly number[]
  /** Whether it sends RTCP; true unless said. Without sender reports nobody can know how streams belong together but from when they come. */
  readonly sendsReports?: boolean
  /** By how much the wall clock of its sender reports is fast. */
  readonly reportClockOffsetMs?: number
}

/** Somebody in the communication session. */
export interface ParticipantOptions {
  /** Address of record, such as `sip:agent@example.com` or `tel:+4512345678`. */
  readonly aor: string
  readonly name?: string
  /** Positions of the streams that carry its voice, from 0; unless said, the one stream at its own position. */
  readonly streams?: readonly number[]
}

/** Streams of one session, those that are added on the way included. */
export const STREAMS_MAX = 8
/** RFC 3550 §5.1: four bits count them. */
const CONTRIBUTORS_MAX = 15
const SSRC_MAX = 0xffff_ffff
/** RFC 4574 §4: a token. */
const LABEL = /^[\w!#$%&'*+.^`{|}~-]{1,64}$/

/** Throws CALL_INVALID that names what is out of its range. */
export const checkStreamOptions = (stream: StreamOptions, durationMs: number): void => {
  const { codecs = ['PCMU'], frameMs = 20, leg = 0, label = '1', contributors = [] } = stream
  const { startsAtMs = 0, endsAtMs = durationMs, reportClockOffsetMs = 0 } = stream
  callerCodecs(codecs)
  if (!FRAMES_MS.includes(frameMs)) throw invalid(`A packet lasts ${FRAMES_MS.join(', ')} ms, not ${frameMs}.`)
  if (!Number.isInteger(leg) || leg < 0 || leg >= LEGS_MAX)
    throw invalid(`A leg is a number from 0 to ${LEGS_MAX - 1}.`)
  if (!LABEL.test(label)) throw invalid('A label is a token of at most 64 characters.')
  if (contributors.length > CONTRIBUTORS_MAX || !contributors.every(isSource))
    throw invalid(`Contributors are at most ${CONTRIBUTORS_MAX} SSRCs.`)
  if (!(startsAtMs >= 0 && endsAtMs > startsAtMs && endsAtMs <= DURATION_MAX_MS))
    throw invalid('A stream begins at 0 ms or later, and ends after it began.')
  if (!(Math.abs(reportClockOffsetMs) <= DURATION_MAX_MS)) throw invalid('A clock is at most a day fast or slow.')
  checkImpairments(stream.impairments ?? {})
  checkPresses(stream.presses ?? [])
}

const isSource = (ssrc: number): boolean => Number.isInteger(ssrc) && ssrc >= 0 && ssrc <= SSRC_MAX
