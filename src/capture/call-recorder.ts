import type { PayloadFormat } from '../audio/codecs/codec.ts'
import type { SrtpKey } from '../audio/srtp/srtp-key.ts'
import type { EndReason } from '../domain/call-details.ts'
import type { Project } from '../domain/project.ts'
import type { PublisherMetadata } from '../domain/publish-token.ts'
import type { CallLeg, Track } from '../domain/recording.ts'
import type { MetadataVersion } from '../domain/session-metadata.ts'
import type { Trunk } from '../domain/trunk.ts'
import type { Uuid } from '../domain/uuid.ts'

/** Where one media stream is received. RTCP is on the RTP port when signalling agreed to multiplex (RFC 5761), else on its own. */
export interface MediaPorts {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
}

/** What signalling has agreed on for one audio stream. */
export interface StreamPlan {
  /** The one audio codec of the answer. */
  readonly format: PayloadFormat
  /** Payload types of telephone-event (RFC 4733) and comfort noise (RFC 3389), which are never audio. */
  readonly eventTypes: readonly number[]
  readonly comfortNoiseTypes: readonly number[]
  /** Where the peer says that it sends from; its packets may come from elsewhere (symmetric RTP, NAT). */
  readonly remote: { readonly address: string; readonly rtpPort: number; readonly rtcpPort: number }
  readonly isRtcpMultiplexed: boolean
  /** True while the peer has put us on hold: no media is expected, and its absence ends nothing. */
  readonly isHeld: boolean
  /** Its packets are secured (RFC 3711). */
  readonly isSecured?: boolean
  /** `a=label` (RFC 4574): what metadata calls the stream. */
  readonly label?: string
  /** Only packets of `remote` are ever believed: who sends them is known, and has no other address. */
  readonly isFixed?: boolean
  /** The channel that it is heard in, from 0, in a recording of several; 0 unless said. */
  readonly channel?: number
}

/** The keys of one stream, theirs for what comes and ours for reports. Apart from {@link StreamPlan}, which is kept on the disk: these never are. */
export interface StreamSecurity {
  readonly receive: SrtpKey
  readonly send: SrtpKey
}

/** The streams of a call, and the keys of those that are secured, by the same index. */
export interface StreamTerms {
  readonly streams: readonly StreamPlan[]
  readonly security?: readonly (StreamSecurity | undefined)[]
}

/** A call to record: who, whose, and what its media is. */
export interface CallRequest extends StreamTerms {
  readonly project: Project
  readonly trunkId?: Uuid
  readonly leg: CallLeg
  readonly track: Track
  readonly callId: string
  readonly from: string
  readonly to: string
  readonly startedAtMs: number
  /** Longest recording; the server's own limit when absent. */
  readonly maxSeconds?: number
  /**
   * How several streams are stored: in two channels, as their plans say, or one, in one file that takes more streams later; or a recording a stream, the first
   * `inbound`, the others `outbound`. Absent for a call of one stream, which is kept as received.
   */
  readonly layout?: Trunk['layout']
  /** Samples a second of several streams' file; without it, what telephones need. */
  readonly mixRateHz?: number
  /** `url` gives a WAV of this rate, made of the one stream's packets, instead of an Ogg. */
  readonly wavRateHz?: number
  /** What an application says of the call. */
  readonly publisherMetadata?: PublisherMetadata
  /** Names the call among recordings that have a stream of it each. */
  readonly group?: string
  /** What the call's first metadata says (RFC 7865). */
  readonly metadata?: MetadataVersion
}

/** A call whose audio is being recorded. */
export interface RecordedCall {
  /** The first, when there is one a stream. */
  readonly recordingId: Uuid
  /** New terms after a re-INVITE or UPDATE: other addresses, keys, hold, resume, more streams. The codecs stay. */
  update(terms: StreamTerms): void
  /** Keeps another metadata document; resolves when it is durable. Rejects with CATALOGUE_… codes. */
  appendMetadata(version: MetadataVersion): Promise<void>
  /** Ends the recording; resolves when it is durable and its row is final. Idempotent: the first reason counts. */
  end(reason: EndReason): Promise<void>
  /** Resolves with the reason when it ended, by {@link RecordedCall.end} or by itself (media timeout, length, disk, deletion): who signals then hangs up. */
  readonly ended: Promise<EndReason>
}

/** Media ports that are open and wait for a call. Exactly one of begin and release ends it. */
export interface Reservation {
  readonly ports: readonly MediaPorts[]
  /**
   * Hands the ports on, open as they are, to another recording of the same call; what comes from now on is that one's. The one that has them now can only end.
   * Rejects with CAPTURE_LOST.
   */
  succeed(): Promise<Reservation>
  /** Opens ports for one more stream of the call, before or after it has begun. Rejects as {@link CallRecorder.reserve} does. */
  addStream(): Promise<MediaPorts>
  /** Starts recording; resolves when the row is committed, so that a call is answered only when its recording exists. Rejects with CATALOGUE_… codes. */
  begin(call: CallRequest): Promise<RecordedCall>
  release(): void
}

/**
 * Records live calls. What a door (SIP, WHIP) needs of capture; it knows nothing of files and threads.
 */
export interface CallRecorder {
  /**
   * Opens media ports for `streamCount` streams on an address of this family: on `address`, one of this machine's that the peer has reached us at, unless a
   * setting says another. `isSeparate`: each stream will be a recording of its own. `isOnMachine`: packets come from a process of this machine: on
   * its loopback address, whatever a setting says. Rejects with CAPTURE_BUSY (too many calls, no port, overload),
   * CAPTURE_DISK_FULL or CAPTURE_STOPPING, all `unavailable`.
   */
  reserve(request: {
    readonly family: 4 | 6
    readonly streamCount: number
    readonly address?: string
    readonly isSeparate?: boolean
    readonly isOnMachine?: boolean
  }): Promise<Reservation>
  readonly callCount: number
}
