import type { SrtpKey } from '../audio/srtp/srtp-key.ts'
import type { CallerCodec } from './caller-codecs.ts'
import { type Direction, type RemoteLine, readDescription } from './read-description.ts'
import { formatCrypto } from './sdes.ts'

// The caller's own SDP, written apart from the server's: a mistake there must not hide itself.

/** Our side of one audio stream. */
export interface LocalMedia {
  readonly address: string
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly isMultiplexed: boolean
  readonly codecs: readonly CallerCodec[]
  /** Payload type of telephone-event, offered unless absent. */
  readonly eventType?: number
  readonly frameMs: number
  /** `a=label` (RFC 4574); none unless said. */
  readonly label?: string
  /** Makes it RTP/SAVP: what our media is protected with (RFC 4568). */
  readonly srtpKey?: SrtpKey
  /** Tag of the crypto attribute; that of our offers unless said. */
  readonly cryptoTag?: number
}

/** One m-line of ours. */
export interface LocalLine {
  readonly media: LocalMedia
  readonly direction: Direction
  /** It is removed: port 0 (RFC 3264 §8.2). */
  readonly isRemoved?: boolean
}

/** What the other side says about its audio. */
export interface RemoteSession extends RemoteLine {
  /** Number of m-lines. */
  readonly lineCount: number
  readonly origin: string
}

/** A telephone-event payload type for the clock rate of the first codec (RFC 4733 §2.1 wants one a rate). */
export const EVENT_TYPE = 101
/** Tag of the one crypto attribute of a line of ours. */
export const CRYPTO_TAG = 1

/** Our session description of one stream (RFC 8866): offer, or answer to an offer of the other side. `version` rises with every change. */
export const formatSession = (
  media: LocalMedia,
  { direction, ...origin }: { readonly sessionId: string; readonly version: number; readonly direction: Direction },
): string => formatDescription([{ media, direction }], origin)

/** Our session description of any number of streams, each in its place; the address is that of the first. */
export const formatDescription = (
  lines: readonly LocalLine[],
  { sessionId, version }: { readonly sessionId: string; readonly version: number },
): string => {
  const address = lines[0]?.media.address ?? ''
  const family = address.includes(':') ? 'IP6' : 'IP4'
  const session = [
    'v=0',
    `o=caller ${sessionId} ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
  ]
  return [...session, ...lines.flatMap(formatLine), ''].join('\r\n')
}

const formatLine = ({ media, direction, isRemoved = false }: LocalLine): readonly string[] => {
  const { codecs, eventType, label, srtpKey, cryptoTag = CRYPTO_TAG } = media
  const types = [...codecs.map(({ payloadType }) => payloadType), ...(eventType === undefined ? [] : [eventType])]
  const protocol = srtpKey ? 'RTP/SAVP' : 'RTP/AVP'
  const named = label === undefined ? [] : [`a=label:${label}`]
  if (isRemoved) return [`m=audio 0 ${protocol} ${types.join(' ')}`, ...named, 'a=inactive']
  const rateHz = codecs[0]?.clockRateHz ?? 8000
  return [
    `m=audio ${media.rtpPort} ${protocol} ${types.join(' ')}`,
    ...codecs.flatMap(formatCodec),
    ...(eventType === undefined ? [] : [`a=rtpmap:${eventType} telephone-event/${rateHz}`, `a=fmtp:${eventType} 0-15`]),
    `a=ptime:${media.frameMs}`,
    ...(srtpKey ? [`a=crypto:${formatCrypto(cryptoTag, srtpKey)}`] : []),
    ...named,
    ...(media.isMultiplexed ? ['a=rtcp-mux'] : []),
    `a=rtcp:${media.rtcpPort}`,
    `a=${direction}`,
  ]
}

const formatCodec = ({ codec, payloadType, clockRateHz, channels, parameters }: CallerCodec): readonly string[] => [
  `a=rtpmap:${payloadType} ${codec}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`,
  ...(parameters === undefined ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
]

/** The other side's session description of one stream of audio, its first, or why a strict caller refuses it. */
export const readSession = (text: string): RemoteSession | { readonly reason: string } => {
  const description = readDescription(text)
  if ('reason' in description) return description
  const { lines, origin } = description
  const [first] = lines
  if (first?.medium !== 'audio') return { reason: 'Its first m-line is no audio.' }
  return { ...first, lineCount: lines.length, origin }
}
