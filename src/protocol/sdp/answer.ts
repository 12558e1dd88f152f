import type { SdpMedia, SdpSession } from './offer.ts'
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

/** Our side of a session. */
export interface OwnMedia {
  /** The address that peers send to. */
  readonly host: string
  /** One pair for each audio line that may be accepted. */
  readonly ports: readonly { readonly rtpPort: number; readonly rtcpPort: number }[]
  /** Encoding names that may be used. */
  readonly codecs: readonly string[]
  /** Encoding names that win over the offerer's order, the most wanted first; absent: the offerer decides. */
  readonly prefer?: readonly string[]
  readonly origin: SdpSession['origin']
}

/** An audio line that both sides have agreed on. */
export interface AcceptedAudio {
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
}

/** What is answered to an offer; nothing may be accepted of it. */
export interface Answered {
  readonly session: SdpSession
  readonly accepted: readonly AcceptedAudio[]
}

const PROTOCOLS: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF'])

/**
 * The answer to an offer (RFC 3264 §6): of its audio lines, as many as we have ports for are accepted, each with the first codec of ours in the offerer's order (or
 * ours, {@link OwnMedia.prefer}) and what goes with it. We only ever receive. Every other line is refused, in its place.
 */
export const answerOffer = (offer: SdpSession, own: OwnMedia): Answered => {
  const accepted: AcceptedAudio[] = []
  const media = offer.media.map((line) => {
    const ports = own.ports[accepted.length]
    const audio = ports && agreeOn(line, own)
    if (!audio || !ports) return refused(line)
    accepted.push(audio)
    return answerLine(audio, own.host, ports)
  })
  return { accepted, session: { origin: own.origin, media } }
}

/** An offer of ours, with everything that we take (RFC 3264 §5). */
export const offerSdp = ({ host, ports, codecs, origin }: OwnMedia): SdpSession => {
  const all = offeredCodecs(codecs)
  return {
    origin,
    media: ports.map(({ rtpPort, rtcpPort }) => ({
      ...ourLine(host, { rtpPort, rtcpPort }),
      type: 'audio',
      protocol: 'RTP/AVP',
      direction: 'recvonly',
      codecs: all,
      isRtcpMultiplexed: false,
      label: undefined,
      formats: all.map(({ payloadType }) => payloadType).join(' '),
    })),
  }
}

/**
 * An offer of ours within a session, after `previous`, the last description that we sent: every line stays in its place, refused ones too, and what has been agreed
 * keeps its payload types (RFC 3264 §8). Codecs that are no longer in {@link OwnMedia.codecs} are left out.
 */
export const reofferSdp = (previous: SdpSession, { codecs: names, origin }: OwnMedia): SdpSession => ({
  origin,
  media: previous.media.map((line) => {
    if (line.port === 0) return line
    const codecs = codecsAmong(line.codecs, names)
    return { ...line, direction: 'recvonly', codecs, formats: codecs.map(({ payloadType }) => payloadType).join(' ') }
  }),
})

/**
 * What an answer to an offer of ours agrees on. Payload types are those of our offer, whatever numbers the answer has: they are what the answerer sends with
 * (RFC 3264 §6.1). Codecs that were not offered count as none.
 */
export const readAnswer = (offer: SdpSession, answer: SdpSession): readonly AcceptedAudio[] =>
  offer.media.flatMap((line, index) => {
    const answered = answer.media[index]
    const known = answered?.codecs.flatMap((codec) => {
      const ours = line.codecs.find((each) => isSameCodec(each, codec))
      return ours ? [{ ...codec, payloadType: ours.payloadType }] : []
    })
    const codecs = line.codecs.map(({ name }) => name)
    const audio = answered && known && agreeOn({ ...answered, codecs: known }, { codecs })
    const isRtcpMultiplexed = line.isRtcpMultiplexed && answered?.isRtcpMultiplexed === true
    return audio ? [{ ...audio, media: answered, isRtcpMultiplexed }] : []
  })

const agreeOn = (line: SdpMedia, own: Pick<OwnMedia, 'codecs' | 'prefer'>): AcceptedAudio | undefined => {
  if (line.type !== 'audio' || line.port === 0 || !PROTOCOLS.has(line.protocol.toUpperCase())) return undefined
  if (isGroup(line.address)) return undefined
  const chosen = chooseCodec(line.codecs, own)
  if (!chosen) return undefined
  const { name, codec } = chosen
  const { payloadType, clockRateHz } = codec
  return {
    media: line,
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
  ports: { readonly rtpPort: number; readonly rtcpPort: number },
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
    formats: codecs.map(({ payloadType }) => payloadType).join(' '),
  }
}

const ourLine = (host: string, { rtpPort, rtcpPort }: { readonly rtpPort: number; readonly rtcpPort: number }) => ({
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
  // Only what a media line may hold goes back, whatever came.
  formats: line.formats.replace(/[^\w\s.+*/-]/g, '') || '0',
})
