import { type CallerCodec, callerCodecs } from './caller-codecs.ts'
import { isUnicast } from './target.ts'

// The caller's own SDP, written apart from the server's: a mistake there must not hide itself.

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** Our side of a session: one audio stream. */
export interface LocalMedia {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly isMultiplexed: boolean
  readonly codecs: readonly CallerCodec[]
  /** Payload type of telephone-event, offered unless absent. */
  readonly eventType?: number
  readonly frameMs: number
}

/** What the other side says about its audio. */
export interface RemoteSession {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly isMultiplexed: boolean
  readonly direction: Direction
  /** Payload types of the audio line, in order. */
  readonly payloadTypes: readonly number[]
  /** `name/rate` or `name/rate/channels` by payload type, as `a=rtpmap` has it. */
  readonly maps: ReadonlyMap<number, string>
  /** Number of m-lines. */
  readonly lineCount: number
  readonly origin: string
}

/** A telephone-event payload type for the clock rate of the first codec (RFC 4733 §2.1 wants one a rate). */
export const EVENT_TYPE = 101

/** Our session description (RFC 8866): offer, or answer to an offer of the other side. `version` rises with every change. */
export const formatSession = (
  media: LocalMedia,
  {
    sessionId,
    version,
    direction,
  }: { readonly sessionId: string; readonly version: number; readonly direction: Direction },
): string => {
  const family = media.address.includes(':') ? 'IP6' : 'IP4'
  const types = media.codecs.map(({ payloadType }) => payloadType)
  const rateHz = media.codecs[0]?.clockRateHz ?? 8000
  const lines = [
    'v=0',
    `o=caller ${sessionId} ${version} IN ${family} ${media.address}`,
    's=-',
    `c=IN ${family} ${media.address}`,
    't=0 0',
    `m=audio ${media.rtpPort} RTP/AVP ${[...types, ...(media.eventType === undefined ? [] : [media.eventType])].join(' ')}`,
    ...media.codecs.flatMap(formatCodec),
    ...(media.eventType === undefined
      ? []
      : [`a=rtpmap:${media.eventType} telephone-event/${rateHz}`, `a=fmtp:${media.eventType} 0-15`]),
    `a=ptime:${media.frameMs}`,
    ...(media.isMultiplexed ? ['a=rtcp-mux'] : []),
    `a=rtcp:${media.rtcpPort}`,
    `a=${direction}`,
  ]
  return `${lines.join('\r\n')}\r\n`
}

const formatCodec = ({ codec, payloadType, clockRateHz, channels, parameters }: CallerCodec): readonly string[] => [
  `a=rtpmap:${payloadType} ${codec}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`,
  ...(parameters === undefined ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
]

const SESSION_MAX_CHARACTERS = 65_536
const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

/** The other side's session description, or why a strict caller refuses it. */
export const readSession = (text: string): RemoteSession | { readonly reason: string } => {
  if (text.length > SESSION_MAX_CHARACTERS) return { reason: 'The session description is too long.' }
  if (!text.startsWith('v=0\r\n') || !text.endsWith('\r\n'))
    return { reason: 'Its lines do not begin with v=0, or end without CRLF.' }
  const lines = text.slice(0, -2).split('\r\n')
  if (lines.some((line) => !/^[a-z]=/.test(line))) return { reason: 'A line is no type=value.' }
  const valuesOf = (prefix: string) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
  const [audio, ...others] = valuesOf('m=')
  const [, portText, types] = /^audio (\d{1,5}) RTP\/AVP((?: \d{1,3})+)$/.exec(audio ?? '') ?? []
  if (portText === undefined || types === undefined) return { reason: 'Its first m-line is no audio over RTP/AVP.' }
  const address = /^IN IP[46] (\S+)$/.exec(valuesOf('c=').at(-1) ?? '')?.[1] ?? ''
  const rtpPort = Number(portText)
  if (rtpPort !== 0 && !isUnicast(address)) return { reason: 'Its connection address is not of one machine.' }
  const maps = valuesOf('a=rtpmap:').map((value): [number, string] => [
    Number.parseInt(value, 10),
    value.replace(/^\d+ /, ''),
  ])
  const isMultiplexed = lines.includes('a=rtcp-mux')
  return {
    address,
    rtpPort,
    rtcpPort: isMultiplexed ? rtpPort : Number.parseInt(valuesOf('a=rtcp:')[0] ?? `${rtpPort + 1}`, 10),
    isMultiplexed,
    direction: DIRECTIONS.find((each) => lines.includes(`a=${each}`)) ?? 'sendrecv',
    payloadTypes: types.trim().split(' ').map(Number),
    maps: new Map(maps),
    lineCount: 1 + others.length,
    origin: valuesOf('o=')[0] ?? '',
  }
}

const STATIC_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [9, 'G722/8000'],
])

/**
 * What was agreed on: the one codec that the answer to our offer chose, or why the answer breaks the rules (RFC 3264 §6): as many m-lines as the offer, no
 * format that was not offered, exactly one audio codec.
 */
export const agreedCodec = (offered: LocalMedia, answer: RemoteSession): CallerCodec | { readonly reason: string } => {
  if (answer.lineCount !== 1) return { reason: `The answer has ${answer.lineCount} m-lines for one.` }
  if (answer.rtpPort === 0) return { reason: 'The answer refuses the audio.' }
  if (answer.isMultiplexed && !offered.isMultiplexed)
    return { reason: 'The answer multiplexes RTCP although nobody offered it.' }
  const audio = answer.payloadTypes.filter((type) => type !== offered.eventType)
  const chosen = offered.codecs.filter(({ payloadType }) => audio.includes(payloadType))
  const [only] = chosen
  if (!only || audio.length !== 1) return { reason: `The answer has the formats ${answer.payloadTypes.join(' ')}.` }
  const map = answer.maps.get(only.payloadType) ?? STATIC_TYPES.get(only.payloadType)
  if (!isSameCodec(only, map)) return { reason: `The answer says that format ${only.payloadType} is ${map}.` }
  return only
}

const isSameCodec = ({ codec, clockRateHz, channels }: CallerCodec, map: string | undefined): boolean => {
  const [name, rate, count = '1'] = map?.split('/') ?? []
  return name?.toLowerCase() === codec.toLowerCase() && Number(rate) === clockRateHz && Number(count) === channels
}

/** The first codec of an offer of the other side that we have, with the payload type that it has there (RFC 3264 §6.1); undefined when there is none. */
export const chooseCodec = (ours: readonly CallerCodec[], offer: RemoteSession): CallerCodec | undefined => {
  for (const payloadType of offer.payloadTypes) {
    const map = offer.maps.get(payloadType) ?? STATIC_TYPES.get(payloadType)
    const found = ours.find((codec) => isSameCodec(codec, map))
    if (found) return { ...found, payloadType }
  }
  return undefined
}

/** Every codec that the call generator has. */
export const ALL_CODECS: readonly CallerCodec[] = callerCodecs(['opus', 'G722', 'PCMU', 'PCMA', 'L16'])
