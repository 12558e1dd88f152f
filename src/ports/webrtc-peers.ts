/** What both sides of an ICE session say of themselves (RFC 8839 §5.4). */
export interface IceCredentials {
  readonly ufrag: string
  readonly pwd: string
}

/** Of the certificate that a peer will show in its DTLS handshake (RFC 8122 §5). */
export interface Fingerprint {
  /** `sha-256` and longer ones. */
  readonly algorithm: string
  /** Upper-case hexadecimal bytes with colons between. */
  readonly value: string
}

/** One audio line of an offer, as far as its packets have to be told from those of others. */
export interface PeerLine {
  /** `a=mid` (RFC 9143). */
  readonly mid: string
  /** RTP payload type of Opus. */
  readonly payloadType: number
  /** Sources that the offer names; none when it names none. */
  readonly ssrcs: readonly number[]
  /** Port on the loopback address that its packets go to, in the open, RTP and RTCP multiplexed. */
  readonly rtpPort: number
}

/** What a peer offers, checked: nothing in it is text that could mean anything else. */
export interface PeerOffer {
  readonly ice: IceCredentials
  readonly fingerprint: Fingerprint
  /** `a=setup` (RFC 8842): who may begin the DTLS handshake. */
  readonly setup: 'actpass' | 'active' | 'passive'
  /** `candidate:…` without `a=` (RFC 8839 §5.1). */
  readonly candidates: readonly string[]
  readonly lines: readonly PeerLine[]
}

/** What we answer. */
export interface PeerAnswer {
  readonly ice: IceCredentials
  readonly fingerprint: Fingerprint
  readonly setup: 'active' | 'passive'
  /** Ours, all of them, as in {@link PeerOffer}. */
  readonly candidates: readonly string[]
}

/** How a peer was lost. `closed`: it said goodbye (DTLS close). `lost`: its consent has expired (RFC 7675), or it never came. `broken`: our side failed. */
export type PeerEnd = 'closed' | 'lost' | 'broken'

/** How packets reach the recorder. */
export interface PacketOrigin {
  readonly address: string
  readonly port: number
}

/**
 * WebRTC transport: ICE, DTLS and SRTP of peers that send audio to us. What comes is handed on decrypted, packet by packet, over loopback, from
 * {@link WebRtcPeers.origin}; RTCP that is sent back there reaches the peer.
 *
 * Contract:
 * - A peer that was connected ends once: {@link WebRtcPeers.onEnded} says how, unless {@link WebRtcPeers.drop} ended it.
 * - Rejections are PoulsenErrors: WEBRTC_UNAVAILABLE (unavailable, retryable) when transport is down or does not answer, WEBRTC_REFUSED (invalid) when
 *   it makes nothing of an offer.
 */
export interface WebRtcPeers {
  /** Where packets come from, once started. */
  readonly origin: PacketOrigin
  /** Answers an offer; candidates that come later are added. `id` names the peer from now on, and is not in use. */
  connect(id: string, offer: PeerOffer): Promise<PeerAnswer>
  /** More candidates of a peer; of one that is gone: nothing happens. */
  addCandidates(id: string, candidates: readonly string[]): Promise<void>
  /** Says goodbye to a peer and forgets it. */
  drop(id: string): void
  onEnded(listener: (id: string, end: PeerEnd) => void): void
}
