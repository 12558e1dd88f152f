import type { SdpCodec, SdpMedia, SdpSession } from './offer.ts'
import { answerParameters, isComfortNoise, isEvent, offeredCodecs, ownCodec } from './own-codecs.ts'

/** Our side of a session. */
export interface OwnMedia {
  /** The address that peers send to. */
  readonly host: string
  /** One pair for each audio line that may be accepted. */
  readonly ports: readonly { readonly rtpPort: number; readonly rtcpPort: number }[]
  /** Encoding names that may be used. */
  readonly codecs: readonly string[]
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
 * The answer to an offer (RFC 3264 §6): of its audio lines, as many as we have ports for are accepted, each with the first codec of ours in the offerer's order and
 * what goes with it. We only ever receive. Every other line is refused, in its place.
 */
export const answerOffer = (offer: SdpSession, own: OwnMedia): Answered => {
  const accepted: AcceptedAudio[] = []
  const media = offer.media.map((line) => {
    const ports = own.ports[accepted.length]
    const audio = ports && agreeOn(line, own.codecs)
    if (!audio || !ports) return refused(line)
    accepted.push(audio)
    return answerLine(audio, own.host, ports)
  })
  return { accepted, session: { origin: own.origin, media } }
}

/** An offer of ours, with everything that we take (RFC 3264 §5). */
export const offerSdp = ({ host, ports, codecs, origin }: OwnMedia): SdpSession => {
  const audio = offeredCodecs(codecs)
  const event = { payloadType: 101, name: 'telephone-event', clockRateHz: 8000, channels: 1, parameters: '0-15' }
  const all = [...audio, event]
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

/** What an answer to an offer of ours agrees on. */
export const readAnswer = (offer: SdpSession, answer: SdpSession): readonly AcceptedAudio[] =>
  offer.media.flatMap((line, index) => {
    const answered = answer.media[index]
    const names = line.codecs.map(({ name }) => name)
    const audio = answered && agreeOn(answered, names)
    const isOffered = line.codecs.some(({ payloadType }) => payloadType === audio?.format.payloadType)
    return audio && isOffered ? [{ ...audio, isRtcpMultiplexed: false }] : []
  })

const agreeOn = (line: SdpMedia, names: readonly string[]): AcceptedAudio | undefined => {
  if (line.type !== 'audio' || line.port === 0 || !PROTOCOLS.has(line.protocol.toUpperCase())) return undefined
  for (const codec of line.codecs) {
    const name = ownCodec(codec, names)
    if (name === undefined) continue
    const { payloadType, clockRateHz } = codec
    const isCompanion = (each: SdpCodec) => each.clockRateHz === clockRateHz
    const typesOf = (is: (each: SdpCodec) => boolean) =>
      line.codecs.filter((each) => is(each)).map((each) => each.payloadType)
    return {
      media: line,
      format: { codec: name, payloadType, clockRateHz, channels: channelsOf(name, codec) },
      eventTypes: typesOf(isEvent),
      comfortNoiseTypes: typesOf((each) => isComfortNoise(each) && isCompanion(each)),
      isRtcpMultiplexed: line.isRtcpMultiplexed,
    }
  }
  return undefined
}

/** Opus always says two (RFC 7587 §7); what comes is one unless the sender says otherwise, and we ask for one. */
const channelsOf = (name: string, { channels, parameters }: SdpCodec): number => {
  if (name.toLowerCase() !== 'opus') return channels
  return /(?:^|;)\s*sprop-stereo\s*=\s*1\b/.test(parameters ?? '') ? 2 : 1
}

const answerLine = (
  { media, format, eventTypes, comfortNoiseTypes, isRtcpMultiplexed }: AcceptedAudio,
  host: string,
  ports: { readonly rtpPort: number; readonly rtcpPort: number },
): SdpMedia => {
  const types = new Set([format.payloadType, ...eventTypes, ...comfortNoiseTypes])
  const chosen = media.codecs.filter(({ payloadType }) => types.has(payloadType))
  const codecs = chosen.map((codec) => ({
    ...codec,
    parameters: isEvent(codec) ? codec.parameters : answerParameters(codec),
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
