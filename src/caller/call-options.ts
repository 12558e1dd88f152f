import type { SrtpSuite } from '../audio/srtp/srtp-key.ts'
import type { FrameSource } from './frame-source.ts'
import { checkImpairments, type Impairments } from './impairment.ts'
import type { InviteOptions } from './invitation.ts'
import { SPEED_MAX } from './rtp-sender.ts'
import { DURATION_MAX_MS, invalid, LEGS_MAX, type SignalPlan } from './signal.ts'
import type { TransportOptions } from './sip-transport.ts'
import type { SipTransportName } from './target.ts'
import { checkPresses, type KeyPress } from './telephone-events.ts'

/** Whom calls go to. */
export interface CallTargetOptions extends Pick<TransportOptions, 'localAddress' | 'certificateAuthority' | 'loses'> {
  /** `sip:` and one IP address; `sip:127.0.0.1:5060` unless said. */
  readonly target?: string
  /** Overrides that of the target. */
  readonly transport?: SipTransportName
  /** SIP's estimate of a round trip; see {@link CallerOptions.t1Ms}. */
  readonly t1Ms?: number
}

/** One call: what is said in it, and what happens to it. */
export interface CallOptions
  extends Pick<
    InviteOptions,
    | 'callId'
    | 'credentials'
    | 'hasLateOffer'
    | 'sessionExpiresSeconds'
    | 'refreshes'
    | 'headers'
    | 'answerDeadlineMs'
    | 'cancelAfterMs'
  > {
  /** Of audio; more than 0, at most a day. */
  readonly durationMs: number
  /** RTP encoding names in order of preference; PCMU unless said. */
  readonly codecs?: readonly string[]
  readonly signal?: SignalPlan['kind']
  /** Which voice or set of tones, 0 to 3; 0 unless said. */
  readonly leg?: number
  /** All that is random in the call follows from it. */
  readonly seed?: number
  /** Of one packet: 10, 20, 40 or 60; 20 unless said. */
  readonly frameMs?: number
  /** How much faster than real time the media is sent; 1 unless said. */
  readonly speed?: number
  readonly impairments?: Impairments
  /** Keys that are pressed during the call, in order; not sent at all when the other side takes no telephone-events. */
  readonly presses?: readonly KeyPress[]
  /** Whether holds are announced by re-INVITEs; true unless said. */
  readonly signalsHolds?: boolean
  /** RTCP on the port of RTP (RFC 5761); true unless said. */
  readonly isMultiplexed?: boolean
  /** RTP/SAVP with keys by SDES (RFC 4568), in this crypto suite; RTP/AVP unless said. */
  readonly srtp?: SrtpSuite
  /** Payloads to send in place of the signal's own, in the one codec of the call: made once for many calls. */
  readonly frames?: FrameSource
  /** Says nothing for so long after the last packet before it hangs up. */
  readonly lingerMs?: number
}

/** What a packet may last. */
export const FRAMES_MS: readonly number[] = [10, 20, 40, 60]
const LINGER_MAX_MS = 3_600_000

/** Throws CALL_INVALID that names what is out of its range. */
export const checkCallOptions = (options: CallOptions): void => {
  const { durationMs, speed = 1, frameMs = 20, leg = 0, lingerMs = 0 } = options
  if (!(durationMs > 0 && durationMs <= DURATION_MAX_MS)) {
    throw invalid(`A call lasts more than 0 ms and at most ${DURATION_MAX_MS} ms, not ${durationMs}.`)
  }
  if (!(speed > 0 && speed <= SPEED_MAX)) throw invalid(`A speed is above 0 and at most ${SPEED_MAX}, not ${speed}.`)
  if (!FRAMES_MS.includes(frameMs)) throw invalid(`A packet lasts ${FRAMES_MS.join(', ')} ms, not ${frameMs}.`)
  if (!Number.isInteger(leg) || leg < 0 || leg >= LEGS_MAX)
    throw invalid(`A leg is a number from 0 to ${LEGS_MAX - 1}.`)
  if (!(lingerMs >= 0 && lingerMs <= LINGER_MAX_MS)) throw invalid(`lingerMs lies between 0 and ${LINGER_MAX_MS}.`)
  if (options.srtp !== undefined && options.hasLateOffer)
    throw invalid('Keys are offered, so the offer cannot be late.')
  checkImpairments(options.impairments ?? {})
  checkPresses(options.presses ?? [])
}
