import {
  type AgreedSecurity,
  type LineSecurity,
  type OwnSecurity,
  offeredSecurity,
  securityOfAnswered,
  securityOfOffered,
} from './line-security.ts'
import type { SdpCodec, SdpMedia, SdpSession } from './offer.ts'
import {
  answerParameters,
  channelsOf,
  chooseCodec,
  codecsAmong,
  comfortNoiseTypesOf,
  eventTypesOf,
  isSameCodec,
  offeredCodecs,
} from './own-codecs.ts'
import type { PortPair } from './port-assignment.ts'

/** Our side of a session. */
export interface OwnMedia extends OwnSecurity {
  /** The address that peers send to. */
  readonly host: string
  /**
   * The ports of the media line at this place, from 0; undefined when there are none for it, and the line is refused. Asked for lines that are otherwise
   * accepted, in their order. A place keeps its ports over the session ({@link PortAssignment}); a pair that an accepted line has is never given to a second.
   */
  readonly ports: (lineIndex: number) => PortPair | undefined
  /** Encoding names that may be used by the media line at this place: all of ours, or the one that its stream has agreed on already. */
  readonly codecs: (lineIndex: number) => readonly string[]
  /** Encoding names that win over the offerer's order, the most wanted first; absent: the offerer decides. */
  readonly prefer?: readonly string[]
  readonly origin: SdpSession['origin']
}

/** An audio line that both sides have agreed on. */
export interface AcceptedAudio {
  /** The place of the line among all media lines of the session, from 0: it names the stream over later offers (RFC 3264 §8). */
  readonly index: number
  /** The peer's line. */
  readonly media: SdpMedia
  /** The one codec; its name as we write it. */
  readonly format: {
    readonly codec: string
    readonly payloadType: number
    readonly clockRateHz: number
    readonly channels: number
  }
  readonly eventTypes: readonly number[]
  readonly comfortNoiseTypes: readonly number[]
  readonly isRtcpMultiplexed: boolean
  /** Absent: in the open. */
  readonly security?: LineSecurity
}

/** What is answered to an offer; nothing may be accepted of it. */
export interface Answered {
  readonly session: SdpSession
  readonly accepted: readonly AcceptedAudio[]
}

/** What {@link offerSdp} offers lines for at most. */
const LINES_MAX = 32

/**
 * The answer to an offer (RFC 3264 §6): of its audio lines, as many as we have ports for are accepted, each with the first codec of ours in the offerer's order (or
 * ours, {@link OwnMedia.prefer}), what goes with it, and the first of its keys when it is protected. We only ever receive. Every other line is refused, in its place.
 */
export const answerOffer = (offer: SdpSession, own: OwnMedia): Answered => {
  const accepted: AcceptedAudio[] = []
  const taken = new Set<number>()
  const media = offer.media.map((line, index) => {
    const agreed = agreeOn(line, own.codecs(index), own.prefer)
    const secured = agreed && securityOfOffered(line, index, own)
    const ports = secured && own.ports(index)
    if (!ports || taken.has(ports.rtpPort)) return refused(line)
    taken.add(ports.rtpPort)
    const audio = { index, media: line, ...agreed, ...partOf(secured) }
    accepted.push(audio)
    return answerLine(audio, own.host, ports, secured)
  })
  return { accepted, session: { origin: own.origin, media } }
}

/** An offer of ours with so many lines, each with everything that we take (RFC 3264 §5); fewer when there are no ports for them. */
export const offerSdp = (own: OwnMedia, lineCount: number): SdpSession => {
  const places = Array.from({ length: Math.min(LINES_MAX, lineCount) }, (_, index) => index)
  const media = places.flatMap((index): SdpMedia[] => {
    const ports = own.ports(index)
    if (!ports) return []
    const line = { type: 'audio', direction: 'recvonly', isRtcpMultiplexed: false, label: undefined } as const
    const codecs = offeredCodecs(own.codecs(index))
    return [{ ...ourLine(own.host, ports), ...line, ...offeredSecurity(index, own), codecs, formats: typesOf(codecs) }]
  })
  return { origin: own.origin, media }
}

/**
 * An offer of ours within a session, after `previous`, the last description that we sent: every line stays in its place, refused ones too, and what has been agreed
 * keeps its payload types (RFC 3264 §8), ports and keys (RFC 4568 §5.1.4). Codecs that {@link OwnMedia.codecs} no longer names are left out.
 */
export const reofferSdp = (previous: SdpSession, own: Pick<OwnMedia, 'codecs' | 'origin'>): SdpSession => ({
  origin: own.origin,
  media: previous.media.map((line, index) => {
    if (line.port === 0) return line
    const codecs = codecsAmong(line.codecs, own.codecs(index))
    return { ...line, direction: 'recvonly', codecs, formats: typesOf(codecs) }
  }),
})

/**
 * What an answer to an offer of ours agrees on. Payload types are those of our offer, whatever numbers the answer has: they are what the answerer sends with
 * (RFC 3264 §6.1). Codecs that were not offered count as none.
 */
export const readAnswer = (offer: SdpSession, answer: SdpSession): readonly AcceptedAudio[] =>
  offer.media.flatMap((line, index) => {
    const media = answer.media[index]
    // What we have ended stays so, whatever is answered.
    const secured = media && line.port > 0 ? securityOfAnswered(line, media) : undefined
    if (!media || !secured) return []
    const known = media.codecs.flatMap((codec) => {
      const ours = line.codecs.find((each) => isSameCodec(each, codec))
      return ours ? [{ ...codec, payloadType: ours.payloadType }] : []
    })
    const names = line.codecs.map(({ name }) => name)
    const agreed = agreeOn({ ...media, codecs: known }, names)
    const isRtcpMultiplexed = line.isRtcpMultiplexed && media.isRtcpMultiplexed
    return agreed ? [{ index, media, ...agreed, isRtcpMultiplexed, ...partOf(secured) }] : []
  })

const partOf = (secured: AgreedSecurity): Pick<AcceptedAudio, 'security'> =>
  typeof secured === 'object' ? { security: secured.security } : {}

/** What both sides have in common in a line but its protection; undefined when that is not enough. */
const agreeOn = (
  line: SdpMedia,
  codecs: readonly string[],
  prefer: readonly string[] = [],
): Omit<AcceptedAudio, 'index' | 'media'> | undefined => {
  if (line.type !== 'audio' || line.port === 0 || isGroup(line.address)) return undefined
  const chosen = chooseCodec(line.codecs, { codecs, prefer })
  if (!chosen) return undefined
  const { name, codec } = chosen
  const { payloadType, clockRateHz } = codec
  return {
    format: { codec: name, payloadType, clockRateHz, channels: channelsOf(name, codec) },
    eventTypes: eventTypesOf(line.codecs, clockRateHz),
    comfortNoiseTypes: comfortNoiseTypesOf(line.codecs, clockRateHz),
    isRtcpMultiplexed: line.isRtcpMultiplexed,
  }
}

/** A call is between two: what we send, reports, never goes to a group or to everybody. */
const isGroup = (address: string): boolean => /^(?:22[4-9]|23\d|255)\.|^ff/i.test(address) && /^[\d.]+$|:/.test(address)

const answerLine = (
  { media, format, eventTypes, comfortNoiseTypes, isRtcpMultiplexed }: AcceptedAudio,
  host: string,
  ports: PortPair,
  secured: AgreedSecurity,
): SdpMedia => {
  const types = new Set([format.payloadType, ...eventTypes, ...comfortNoiseTypes])
  const chosen = media.codecs.filter(({ payloadType }) => types.has(payloadType))
  const codecs = chosen.map((codec) => ({
    ...codec,
    parameters: eventTypes.includes(codec.payloadType) ? codec.parameters : answerParameters(codec),
  }))
  const isSending = media.direction === 'sendrecv' || media.direction === 'sendonly'
  return {
    ...ourLine(host, ports),
    type: media.type,
    protocol: media.protocol,
    direction: isSending ? 'recvonly' : 'inactive',
    codecs,
    isRtcpMultiplexed,
    label: media.label,
    crypto: typeof secured === 'object' ? [{ tag: secured.tag, key: secured.security.localKey }] : [],
    formats: typesOf(codecs),
  }
}

const typesOf = (codecs: readonly SdpCodec[]): string => codecs.map(({ payloadType }) => payloadType).join(' ')

const ourLine = (host: string, { rtpPort, rtcpPort }: PortPair) => ({
  port: rtpPort,
  rtcpPort,
  rtcpAddress: host,
  address: host,
  family: host.includes(':') ? (6 as const) : (4 as const),
  ptimeMs: undefined,
})

/** A line that is not taken: port 0, the rest as it came (RFC 3264 §6). */
const refused = (line: SdpMedia): SdpMedia => ({
  ...line,
  port: 0,
  crypto: [],
  // Only what a media line may hold goes back, whatever came.
  formats: line.formats.replace(/[^\w\s.+*/-]/g, '') || '0',
})
