import type { CallRequest, Reservation, StreamPlan } from '../../capture/call-recorder.ts'
import type { Project } from '../../domain/project.ts'
import type { CallLeg } from '../../domain/recording.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { PacketOrigin, PeerOffer } from '../../ports/webrtc-peers.ts'
import type { WebRtcLine, WebRtcOffer } from '../../protocol/sdp/webrtc-offer.ts'

/** Who publishes what. */
export interface Publication {
  readonly project: Project
  readonly endpoint: string
  readonly author: string
  readonly offer: WebRtcOffer
  readonly legId: Uuid | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** Of the publishing program, as it names itself. */
  readonly from: string
  /** Uses up what allows it, right before the recording begins, and gives what undoes that; throws when it has been used already. */
  readonly claim: () => Promise<Unclaim>
}

/** Lets what was used up be used again. Rejects when that cannot be done. */
export type Unclaim = () => Promise<void>

/** What is known of a publication's recording beside it. */
export interface CallSetting {
  readonly leg: CallLeg
  readonly startedAtMs: number
  /** Samples a second of the WAV that `url` gives. */
  readonly wavRateHz: number
  /** Where decrypted packets come from. */
  readonly origin: PacketOrigin
}

const CLOCK_RATE_HZ = 48_000

/** A publication as capture records it. */
export const describeCall = (
  { project, endpoint, offer, from, metadata }: Publication,
  { leg, startedAtMs, wavRateHz, origin }: CallSetting,
): CallRequest => ({
  project,
  leg,
  track: 'inbound',
  callId: leg.id,
  from,
  to: endpoint,
  startedAtMs,
  wavRateHz,
  streams: offer.lines.map((line, channel) => planOf(line, channel, origin)),
  ...(offer.lines.length > 1 && { layout: 'stereo', mixRateHz: wavRateHz }),
  ...(metadata && { publisherMetadata: metadata }),
})

/** Its lines as transport connects them, each to a port that is recorded. */
export const peerLines = (lines: readonly WebRtcLine[], { ports }: Reservation): PeerOffer['lines'] =>
  lines.map(({ mid, opus, ssrcs }, index) => ({
    mid,
    ssrcs,
    payloadType: opus.payloadType,
    rtpPort: ports[index]?.rtpPort ?? 0,
  }))

const planOf = ({ opus, isStereo }: WebRtcLine, channel: number, { address, port }: PacketOrigin): StreamPlan => ({
  format: {
    codec: 'opus',
    payloadType: opus.payloadType,
    clockRateHz: CLOCK_RATE_HZ,
    channels: isStereo ? 2 : 1,
  },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address, rtpPort: port, rtcpPort: port },
  isRtcpMultiplexed: true,
  isHeld: false,
  isFixed: true,
  channel,
})
