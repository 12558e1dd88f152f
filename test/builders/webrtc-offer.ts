import { parseWebRtcOffer, type WebRtcOffer } from '../../src/protocol/sdp/webrtc-offer.ts'

/** One media line of an offer, from its `m=` on. */
export type OfferedLine = readonly string[]

/** What is unlike the offer of a browser that publishes one microphone. */
export interface OfferOptions {
  /** One line of audio unless said. */
  readonly media?: readonly OfferedLine[]
  /** Which lines are left out. */
  readonly without?: RegExp
  /** The mids of the bundle; all unless said, none: no bundle. */
  readonly bundle?: readonly string[]
}

/** What is unlike a browser's line of one microphone. */
export interface AudioOptions {
  readonly mid?: string
  readonly direction?: 'sendonly' | 'sendrecv' | 'recvonly' | 'inactive'
  readonly protocol?: string
  /** Payload types and what they are. */
  readonly codecs?: readonly (readonly [payloadType: number, map: string])[]
  readonly candidates?: readonly string[]
  /** Further attributes. */
  readonly more?: readonly string[]
}

/** Who the peer of every offer says that it is. */
export const ICE = { ufrag: '/TN/', pwd: 'QD304RNUyvGBtMeU3lurf/1B' } as const
export const FINGERPRINT =
  '89:57:F4:D9:40:38:B0:0A:5B:B0:F0:31:BE:CF:41:29:26:E1:10:29:DE:69:F3:5B:18:0A:3B:7E:74:2D:60:A4'
/** One that can be tried. */
export const CANDIDATE = 'candidate:480316330 1 udp 2122194687 192.0.2.2 59989 typ host generation 0 network-id 1'
/** The attributes of ICE and DTLS, on the session or a line. */
export const TRANSPORT: readonly string[] = [
  `a=ice-ufrag:${ICE.ufrag}`,
  `a=ice-pwd:${ICE.pwd}`,
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'a=setup:actpass',
]
const CODECS = [
  [111, 'opus/48000/2'],
  [63, 'red/48000/2'],
  [9, 'G722/8000'],
  [0, 'PCMU/8000'],
  [126, 'telephone-event/8000'],
] as const
/** Of a browser that hides its address: nobody asks for it (RFC 8828). */
const HIDDEN = 'candidate:1 1 udp 2122260223 5b2f5a1c-3f07-4d0c-8c7e-0f3f2f9a1b6d.local 50123 typ host generation 0'

const transport = (candidates: readonly string[]): OfferedLine => [
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  ...candidates.map((candidate) => `a=${candidate}`),
  ...TRANSPORT,
  'a=ice-options:trickle',
]

/** Audio as Chromium offers it. */
export const anAudioLine = (options: AudioOptions = {}): OfferedLine => {
  const { mid = '0', direction = 'sendonly', codecs = CODECS, protocol = 'UDP/TLS/RTP/SAVPF' } = options
  const { candidates = [HIDDEN], more = [] } = options
  return [
    `m=audio 9 ${protocol} ${codecs.map(([payloadType]) => payloadType).join(' ')}`,
    ...transport(candidates),
    `a=mid:${mid}`,
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    `a=${direction}`,
    'a=msid:stream track',
    'a=rtcp-mux',
    'a=rtcp-rsize',
    ...codecs.map(([payloadType, map]) => `a=rtpmap:${payloadType} ${map}`),
    ...codecs
      .filter(([, map]) => map === 'opus/48000/2')
      .flatMap(([type]) => [`a=fmtp:${type} minptime=10;useinbandfec=1`]),
    `a=ssrc:${1_000 + Number.parseInt(mid, 36)} cname:peer`,
    ...more,
  ]
}

/** Video as Chromium offers it. */
export const aVideoLine = (mid = '1'): OfferedLine => [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
  ...transport([]),
  `a=mid:${mid}`,
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:96 VP8/90000',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
]

/** A data channel as Chromium offers it. */
export const aDataLine = (mid = '1'): OfferedLine => [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  ...transport([]),
  `a=mid:${mid}`,
  'a=sctp-port:5000',
  'a=max-message-size:262144',
]

/** The offer of a Chromium that publishes a microphone, or what is unlike it. Nobody is behind it: what answers it is never connected to. */
export const anOffer = (options: OfferOptions = {}): string => {
  const { media = [anAudioLine()], without } = options
  const { bundle = media.flat().flatMap((line) => /^a=mid:(.*)$/.exec(line)?.[1] ?? []) } = options
  const lines = [
    'v=0',
    'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    ...(bundle.length > 0 ? [`a=group:BUNDLE ${bundle.join(' ')}`] : []),
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS stream',
    ...media.flat(),
  ]
  return sdpOf(lines.filter((line) => !without?.test(line)))
}

/** A fragment of trickle ICE (RFC 8840 §9), of the peer of every offer unless said. */
export const aFragment = (candidates: readonly string[] = [HIDDEN], ufrag: string = ICE.ufrag): string =>
  sdpOf([
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${ICE.pwd}`,
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'a=mid:0',
    ...candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
  ])

/** What Chromium 156 offers of one microphone once it has all its candidates, word for word. */
export const CHROMIUM_OFFER = [
  'v=0',
  'o=- 2318149169316058944 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS 78f6da9d-ea31-4143-8e39-ebcb335c928e',
  'm=audio 59989 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  'c=IN IP4 192.0.2.2',
  'a=rtcp:9 IN IP4 0.0.0.0',
  `a=${CANDIDATE}`,
  'a=candidate:3620194890 1 udp 2122265343 fd00::2 40736 typ host generation 0 network-id 2',
  'a=candidate:3792428862 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1',
  'a=candidate:695017182 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2',
  `a=ice-ufrag:${ICE.ufrag}`,
  `a=ice-pwd:${ICE.pwd}`,
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=sendonly',
  'a=msid:78f6da9d-ea31-4143-8e39-ebcb335c928e 60e64ccc-3294-4ab5-b24e-d46df11dcdaf',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=rtcp-xr:rcvr-rtt=all',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:13 CN/8000',
  'a=rtpmap:110 telephone-event/48000',
  'a=rtpmap:126 telephone-event/8000',
  'a=ssrc:2059107587 cname:FmScSlRIqnqvH+Z2',
  'a=ssrc:2059107587 msid:78f6da9d-ea31-4143-8e39-ebcb335c928e 60e64ccc-3294-4ab5-b24e-d46df11dcdaf',
  '',
].join('\r\n')

/** A line of audio that says no more than it must, and what else is given; its transport is that of the session. Without a mid when that is undefined. */
export const aBareLine = (mid: string | undefined, more: readonly string[] = []): OfferedLine => [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  ...(mid === undefined ? [] : [`a=mid:${mid}`]),
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  ...more,
]

/** An offer of these lines and what its session says: its transport unless said, and no bundle. */
export const aBareOffer = (lines: readonly OfferedLine[], session: readonly string[] = TRANSPORT): string =>
  sdpOf(['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ...session, ...lines.flat()])

/** Two lines in a bundle. */
export const aTwoLineOffer = (): string =>
  aBareOffer(
    [aBareLine('left', ['a=ssrc:1 cname:a']), aBareLine('right', ['a=ssrc:2 cname:a'])],
    ['a=group:BUNDLE left right', ...TRANSPORT, `a=${CANDIDATE}`],
  )

/** What an offer says that must be taken. */
export const acceptedOffer = (text: string): WebRtcOffer => {
  const offer = parseWebRtcOffer(text)
  if ('reason' in offer) throw new Error(offer.reason)
  return offer
}

const sdpOf = (lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('')
