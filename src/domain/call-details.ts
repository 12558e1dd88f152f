import type { PublisherMetadata } from './publish-token.ts'
import type { Uuid } from './uuid.ts'

/** Why a live recording ended. */
export const END_REASONS = [
  'hangup',
  'media_timeout',
  'max_length',
  'disk_full',
  'shutdown',
  'signalling_lost',
  'deleted',
  'recovered',
  'node_lost',
  'internal',
] as const
export type EndReason = (typeof END_REASONS)[number]

/** Silence that stands for audio which never came, in milliseconds of the recording. */
export interface Gap {
  readonly startMs: number
  readonly durationMs: number
  /** Whose: an index into `streams` of {@link CallDetails}; absent where there is one stream. */
  readonly stream?: number
}

/** How well one RTP stream came in. Counts are of packets. */
export interface StreamQuality {
  /** RTP encoding name of its codec. */
  readonly codec: string
  /** What signalling calls it: the SDP label (RFC 4574) that the session's metadata names it by. */
  readonly label?: string
  /** Which channel of the recording it is in; 0: left. */
  readonly channel?: number
  readonly packets: number
  /** Sequence numbers that never came. */
  readonly lost: number
  /** Came after their place in the file had been written. */
  readonly late: number
  readonly duplicated: number
  /** Interarrival jitter (RFC 3550 §6.4.1), at the end and at its worst. */
  readonly jitterMs: number
  readonly jitterMaxMs: number
  readonly ssrcChanges: number
  /** From sources that signalling and the first packets did not agree on; never part of the audio. */
  readonly strangers: number
  /** Not RTP, or of a payload type that nobody agreed on. */
  readonly invalid: number
  /** SRTP: failed authentication (RFC 3711 §3.3); absent for plain RTP. */
  readonly unauthentic?: number
  /** SRTP: had been received before, or were too old to tell (RFC 3711 §3.3.2); absent for plain RTP. */
  readonly replayed?: number
  /** All gaps together; `gaps` of {@link CallDetails} lists the first of them. */
  readonly gapCount: number
  readonly gapMs: number
}

/** What is known of a live call beside its recording. */
export interface CallDetails {
  readonly trunkId?: Uuid
  /** SIP Call-ID, From and To as they came, without parameters of the header field; of a WHIP session its leg id, the publishing program and the endpoint. */
  readonly callId: string
  readonly from: string
  readonly to: string
  /** What the application said of a WHIP session when it made the token for it. */
  readonly metadata?: PublisherMetadata
  readonly startedAtMs: number
  readonly answeredAtMs?: number
  readonly endedAtMs?: number
  readonly endReason?: EndReason
  readonly streams: readonly StreamQuality[]
  /** At most {@link GAPS_MAX}, the earliest first. */
  readonly gaps: readonly Gap[]
}

export const GAPS_MAX = 1000
