import { CODEC_NAMES, type CodecName } from '../../audio/codecs/codec.ts'
import { makeSrtpKey } from '../../audio/srtp/srtp-key.ts'
import type { MediaPorts, StreamPlan, StreamSecurity, StreamTerms } from '../../capture/call-recorder.ts'
import {
  type AcceptedAudio,
  answerOffer,
  type OwnMedia,
  offerSdp,
  readAnswer,
  reofferSdp,
} from '../../protocol/sdp/answer.ts'
import type { SdesKey, SdesSuite } from '../../protocol/sdp/crypto.ts'
import { formatSdp } from '../../protocol/sdp/format-sdp.ts'
import type { SdpSession } from '../../protocol/sdp/offer.ts'
import { parseSdp } from '../../protocol/sdp/parse-sdp.ts'
import { PortAssignment } from '../../protocol/sdp/port-assignment.ts'
import type { Reply } from './reply.ts'
import { StreamChannels } from './stream-channels.ts'

/** What the two sides have agreed on. */
export interface Agreement {
  /** The session description that says so, to be sent. */
  readonly body: Uint8Array
  readonly terms: StreamTerms
}

/** What a trunk says about the media of its calls. */
export interface MediaPolicy {
  readonly codecs: readonly CodecName[]
  /** Plain media is refused. */
  readonly requiresSecureMedia: boolean
}

/** Of a recording session: which streams it has, beside what their lines say. */
export interface StreamOrder {
  /** Labels in the order of participants, as far as metadata has told. */
  readonly labels: readonly string[]
}

/** One stream of ours over time: what was agreed last. */
interface Stream {
  readonly plan: StreamPlan
  readonly security: StreamSecurity | undefined
  /** The peer began by sending both ways: when it later only sends, it has put us on hold. */
  readonly isTwoWay: boolean
  /** Its line is in use. */
  readonly isOpen: boolean
}

/** A key of ours, and for what it was made. */
interface LocalKey {
  readonly key: SdesKey
  readonly remoteKey: SdesKey | undefined
}

const DAMAGED: Reply = { status: 400 }
const NOT_ACCEPTABLE: Reply = { status: 488 }
/** Streams that one recording session may have: four parties, each with a line for what was there before a transfer. */
export const STREAMS_MAX = 8

/** The codecs that a trunk may use, in its order; all of ours when it does not say. */
export const codecsOf = (names: readonly string[]): readonly CodecName[] => {
  const known = names.flatMap((name) => CODEC_NAMES.filter((each) => each.toLowerCase() === name.toLowerCase()))
  return known.length === 0 ? CODEC_NAMES : known
}

/** The media side of one call: its offers and answers over time (RFC 3264). What a stream has agreed on first, its codec, stays. */
export class MediaSession {
  readonly #ports: PortAssignment<MediaPorts>
  readonly #host: string
  readonly #sessionId: string
  readonly #policy: MediaPolicy
  readonly #order: StreamOrder | undefined
  readonly #channels = new StreamChannels()
  readonly #localKeys = new Map<string, LocalKey>()
  #streams: readonly Stream[] = []
  #version = 0
  #offered: SdpSession | undefined
  /** The last description that we sent; later offers keep its lines and payload types. */
  #sent: SdpSession | undefined

  constructor(options: {
    readonly ports: readonly MediaPorts[]
    /** What peers send to. */
    readonly host: string
    readonly policy: MediaPolicy
    /** Digits; unique among sessions of this host (RFC 8866 §5.2). */
    readonly sessionId: string
    /** Present for a recording session. */
    readonly order?: StreamOrder | undefined
  }) {
    this.#ports = new PortAssignment(options.ports)
    this.#host = options.host
    this.#policy = options.policy
    this.#sessionId = options.sessionId
    this.#order = options.order
  }

  /**
   * How many streams an offer would have, before any port is opened for it: at most so many. 400 when it cannot be read, 488 when there is nothing that we take.
   */
  static countStreams(text: string, policy: MediaPolicy, isSession: boolean, streamsMax: number): number | Reply {
    const ports = Array.from({ length: streamsMax }, (_, index) => ({
      address: '0.0.0.0',
      rtpPort: 2 * index + 2,
      rtcpPort: 2 * index + 3,
    }))
    const order = isSession ? { labels: [] } : undefined
    const session = new MediaSession({ ports, host: '0.0.0.0', policy, sessionId: '0', order })
    const answer = session.answer(text)
    return 'status' in answer ? answer : answer.terms.streams.length
  }

  /** Pairs of ports that an offer wants beyond those there are, of a recording session that grows. */
  portsWanted(text: string): number {
    if (!this.#order) return 0
    const offer = parseSdp(text)
    if ('reason' in offer) return 0
    const answered = answerOffer(offer, { ...this.#own(), ports: this.#pretendPorts() })
    const fresh = answered.accepted.filter(({ index }) => this.#ports.streamOf(index) === undefined).length
    return Math.max(0, Math.min(STREAMS_MAX, this.#ports.assigned + fresh) - this.#ports.size)
  }

  addPorts(ports: MediaPorts): void {
    this.#ports.add(ports)
  }

  /** The answer to an offer of the peer; a refusal changes nothing. */
  answer(text: string): Agreement | Reply {
    const offer = parseSdp(text)
    if ('reason' in offer) return DAMAGED
    const answered = answerOffer(offer, this.#own())
    // A recording session may have nothing to record for now, but not something that cannot be recorded; a call without media is none.
    const isEmpty = offer.media.every(({ port }) => port === 0)
    if (answered.accepted.length === 0 && !(this.#order && isEmpty)) return NOT_ACCEPTABLE
    if (answered.accepted.some((audio) => this.#isOtherAudio(audio))) return NOT_ACCEPTABLE
    this.#version += 1
    this.#sent = answered.session
    return { body: encode(answered.session), terms: this.#agree(answered.accepted) }
  }

  /** An offer of ours: what we take, or what is agreed already, each line in its place (RFC 3264 §8). */
  offer(): Uint8Array {
    const offer = this.#sent ? reofferSdp(this.#sent, this.#own()) : offerSdp(this.#own(), this.#ports.size)
    this.#version += 1
    this.#offered = offer
    this.#sent = offer
    return encode(offer)
  }

  /** What the peer's answer to our offer agrees on; undefined when that is nothing. */
  takeAnswer(text: string): StreamTerms | undefined {
    const offer = this.#offered
    this.#offered = undefined
    const answer = parseSdp(text)
    if (!offer || 'reason' in answer) return undefined
    const accepted = readAnswer(offer, answer)
    return accepted.length === 0 ? undefined : this.#agree(accepted)
  }

  #own(): OwnMedia {
    return {
      host: this.#host,
      ports: this.#ports.pairOf,
      codecs: (lineIndex) => this.#codecsOf(lineIndex),
      localKey: (lineIndex, suite, remoteKey) => this.#localKey(lineIndex, suite, remoteKey),
      ...(this.#policy.requiresSecureMedia && { mediaSecurity: 'required' }),
      origin: { username: 'poulsen', sessionId: this.#sessionId, version: String(this.#version) },
    }
  }

  /** As many as anybody could want; the numbers mean nothing. */
  #pretendPorts(): OwnMedia['ports'] {
    return (lineIndex) => ({ rtpPort: 2 * lineIndex + 2, rtcpPort: 2 * lineIndex + 3 })
  }

  #codecsOf(lineIndex: number): readonly CodecName[] {
    const stream = this.#streams[this.#ports.streamOf(lineIndex) ?? -1]
    return stream ? [stream.plan.format.codec] : this.#policy.codecs
  }

  /** True when a stream would go on in another shape: what is recorded of it has one for all of its length. */
  #isOtherAudio({ index, format }: AcceptedAudio): boolean {
    const before = this.#streams[this.#ports.streamOf(index) ?? -1]?.plan.format
    if (!before) return false
    const hasOtherChannels = format.codec === 'L16' && format.channels !== before.channels
    return format.clockRateHz !== before.clockRateHz || hasOtherChannels
  }

  /** The same key again for a line, unless the peer has changed its own (RFC 4568 §7.1.4). */
  #localKey(lineIndex: number, suite: SdesSuite, remoteKey: SdesKey | undefined): SdesKey {
    const place = `${lineIndex} ${suite}`
    const known = this.#localKeys.get(place)
    if (known && (remoteKey === undefined || known.remoteKey === undefined || isSameKey(known.remoteKey, remoteKey))) {
      this.#localKeys.set(place, { key: known.key, remoteKey: remoteKey ?? known.remoteKey })
      return known.key
    }
    const key = makeSrtpKey(suite)
    this.#localKeys.set(place, { key, remoteKey })
    return key
  }

  /** Streams whose line is refused or gone this time are silent; they stay in their place. */
  #agree(accepted: readonly AcceptedAudio[]): StreamTerms {
    const streams: Stream[] = this.#streams.map((stream) => ({
      ...stream,
      plan: { ...stream.plan, isHeld: true },
      isOpen: false,
    }))
    for (const audio of accepted) {
      const index = this.#ports.streamOf(audio.index)
      if (index !== undefined) streams[index] = this.#streamOf(audio, streams[index])
    }
    const whole = withoutHoles(streams)
    this.#streams = this.#order ? this.#withChannels(whole, this.#order) : whole
    const security = this.#streams.map((stream) => stream.security)
    const isSecured = security.some((keys) => keys)
    return { streams: this.#streams.map(({ plan }) => plan), ...(isSecured && { security }) }
  }

  #withChannels(streams: readonly Stream[], { labels }: StreamOrder): readonly Stream[] {
    const described = streams.map(({ plan, isOpen }) => ({ label: plan.label, isOpen }))
    const channels = this.#channels.assign(described, labels)
    return streams.map((stream, index) => ({ ...stream, plan: { ...stream.plan, channel: channels[index] ?? 0 } }))
  }

  #streamOf({ media, format, security, ...agreed }: AcceptedAudio, before: Stream | undefined): Stream {
    const { direction, address, port, rtcpPort, label } = media
    const isSilent = direction === 'inactive' || direction === 'recvonly'
    // A recording client only ever sends: a vendor that offers both ways does not mean it.
    const isTwoWay = !this.#order && (before?.isTwoWay ?? direction === 'sendrecv')
    return {
      plan: {
        format: { ...format, codec: format.codec as CodecName },
        eventTypes: agreed.eventTypes,
        comfortNoiseTypes: agreed.comfortNoiseTypes,
        remote: { address, rtpPort: port, rtcpPort },
        isRtcpMultiplexed: agreed.isRtcpMultiplexed,
        isHeld: isSilent || (direction === 'sendonly' && isTwoWay),
        ...(security && { isSecured: true }),
        ...(this.#order && label !== undefined && { label: label.slice(0, LABEL_MAX) }),
      },
      security: security && { receive: security.remoteKey, send: security.localKey },
      isTwoWay,
      isOpen: true,
    }
  }
}

/** Longest label that is kept; it is told in metadata, too, and is short there. */
const LABEL_MAX = 64

/** The answer to our first offer may refuse a line before others: its stream has ports and is silent. */
const withoutHoles = (streams: readonly (Stream | undefined)[]): readonly Stream[] => {
  const known = streams.find((stream) => stream !== undefined)
  // Not by map, which leaves holes out.
  return Array.from(streams, (stream) => stream ?? silent(known as Stream))
}

const silent = ({ plan: { format }, isTwoWay }: Stream): Stream => ({
  plan: {
    format,
    eventTypes: [],
    comfortNoiseTypes: [],
    remote: { address: '0.0.0.0', rtpPort: 0, rtcpPort: 0 },
    isRtcpMultiplexed: false,
    isHeld: true,
  },
  security: undefined,
  isTwoWay,
  isOpen: false,
})

const isSameKey = (a: SdesKey, b: SdesKey): boolean => a.suite === b.suite && Buffer.compare(a.keySalt, b.keySalt) === 0

const encode = (session: Parameters<typeof formatSdp>[0]): Uint8Array => new TextEncoder().encode(formatSdp(session))
