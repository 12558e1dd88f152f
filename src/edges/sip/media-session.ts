import { CODEC_NAMES, type CodecName } from '../../audio/codecs/codec.ts'
import type { MediaPorts, StreamPlan } from '../../capture/call-recorder.ts'
import {
  type AcceptedAudio,
  answerOffer,
  type OwnMedia,
  offerSdp,
  readAnswer,
  reofferSdp,
} from '../../protocol/sdp/answer.ts'
import { formatSdp } from '../../protocol/sdp/format-sdp.ts'
import type { SdpSession } from '../../protocol/sdp/offer.ts'
import { parseSdp } from '../../protocol/sdp/parse-sdp.ts'
import type { Reply } from './reply.ts'

/** What the two sides have agreed on. */
export interface Agreement {
  /** The session description that says so, to be sent. */
  readonly body: Uint8Array
  readonly streams: readonly StreamPlan[]
}

const DAMAGED: Reply = { status: 400 }
const NOT_ACCEPTABLE: Reply = { status: 488 }

/** The codecs that a trunk may use, in its order; all of ours when it does not say. */
export const codecsOf = (names: readonly string[]): readonly CodecName[] => {
  const known = names.flatMap((name) => CODEC_NAMES.filter((each) => each.toLowerCase() === name.toLowerCase()))
  return known.length === 0 ? CODEC_NAMES : known
}

/** The media side of one call: its offers and answers over time (RFC 3264). The codec of the first agreement stays. */
export class MediaSession {
  readonly #ports: readonly MediaPorts[]
  readonly #host: string
  readonly #sessionId: string
  #codecs: readonly CodecName[]
  #version = 0
  #offered: SdpSession | undefined
  /** The last description that we sent; later offers keep its lines and payload types. */
  #sent: SdpSession | undefined
  /** The peer began by sending both ways: when it later only sends, it has put us on hold. */
  #isTwoWay: boolean | undefined

  constructor(options: {
    readonly ports: readonly MediaPorts[]
    /** What peers send to. */
    readonly host: string
    readonly codecs: readonly CodecName[]
    /** Digits; unique among sessions of this host (RFC 8866 §5.2). */
    readonly sessionId: string
  }) {
    this.#ports = options.ports
    this.#host = options.host
    this.#codecs = options.codecs
    this.#sessionId = options.sessionId
  }

  /** What an offer is refused with before any port is opened for it: 400 when it cannot be read, 488 without a codec of ours. */
  static refuse(text: string, codecs: readonly CodecName[]): Reply | undefined {
    const placeholder: MediaPorts = { address: '0.0.0.0', rtpPort: 9, rtcpPort: 9 }
    const session = new MediaSession({ ports: [placeholder], host: '0.0.0.0', codecs, sessionId: '0' })
    const answer = session.answer(text)
    return 'status' in answer ? answer : undefined
  }

  /** The answer to an offer of the peer; a refusal changes nothing. */
  answer(text: string): Agreement | Reply {
    const offer = parseSdp(text)
    if ('reason' in offer) return DAMAGED
    const answered = answerOffer(offer, this.#own())
    if (answered.accepted.length === 0) return NOT_ACCEPTABLE
    this.#version += 1
    this.#sent = answered.session
    return { body: encode(answered.session), streams: this.#agree(answered.accepted) }
  }

  /** An offer of ours: what we take, or what is agreed already, each line in its place (RFC 3264 §8). */
  offer(): Uint8Array {
    const offer = this.#sent ? reofferSdp(this.#sent, this.#own()) : offerSdp(this.#own())
    this.#version += 1
    this.#offered = offer
    this.#sent = offer
    return encode(offer)
  }

  /** What the peer's answer to our offer agrees on; undefined when that is nothing. */
  takeAnswer(text: string): readonly StreamPlan[] | undefined {
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
      ports: this.#ports,
      codecs: this.#codecs,
      origin: { username: 'poulsen', sessionId: this.#sessionId, version: String(this.#version) },
    }
  }

  #agree(accepted: readonly AcceptedAudio[]): readonly StreamPlan[] {
    this.#codecs = accepted.map(({ format }) => format.codec as CodecName)
    this.#isTwoWay ??= accepted.every(({ media }) => media.direction === 'sendrecv')
    return accepted.map((audio) => this.#planOf(audio))
  }

  #planOf({ media, format, eventTypes, comfortNoiseTypes, isRtcpMultiplexed }: AcceptedAudio): StreamPlan {
    const { direction, address, port, rtcpPort } = media
    const isSilent = direction === 'inactive' || direction === 'recvonly'
    return {
      format: { ...format, codec: format.codec as CodecName },
      eventTypes,
      comfortNoiseTypes,
      remote: { address, rtpPort: port, rtcpPort },
      isRtcpMultiplexed,
      isHeld: isSilent || (direction === 'sendonly' && this.#isTwoWay === true),
    }
  }
}

const encode = (session: Parameters<typeof formatSdp>[0]): Uint8Array => new TextEncoder().encode(formatSdp(session))
