import { type ParsedMedia, type ParsedSession, parse } from 'sdp-transform'
import { parseCrypto, type SdpCrypto } from './crypto.ts'
import type { SdpCodec, SdpDirection, SdpMedia, SdpSession } from './offer.ts'
import { STATIC_TYPES } from './static-types.ts'

/** Why a text is no session description. */
export interface SdpRefusal {
  readonly reason: string
}

export const SDP_CHARACTERS_MAX = 65_536
export const MEDIA_MAX = 32
export const FORMATS_MAX = 128
/** `a=crypto` of one media line that are read. */
const CRYPTO_MAX = 32
const LINES_MAX = 2_000
const LINE_CHARACTERS_MAX = 2_048
const PORT_MAX = 65_535
const LINE_END = /\r\n|\r|\n/
/** What is read of a session description; the library sees nothing else. */
const READ = /^(?:[vostcm]=|a=(?:rtpmap|fmtp|rtcp|ptime|label):|a=(?:rtcp-mux|sendrecv|sendonly|recvonly|inactive)\s*$)/
const CRYPTO = /^a=crypto:/
/** A port, and perhaps how many follow it (RFC 8866 §5.14). */
const PORT = /^(\d{1,5})(?:\/\d{1,5})?$/
const DIRECTIONS: ReadonlySet<unknown> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive'])
/** Addresses and host names; nothing else is ever put into a message of ours or asked of the system. */
const ADDRESS = /^[A-Za-z0-9:.%_-]{1,255}$/

/** One m-line as it came; sdp-transform reads what is below it, and would silently leave out what it does not understand of the line itself. */
interface MediaLine {
  readonly type: string
  readonly port: number
  readonly protocol: string
  readonly formats: readonly string[]
}

/** A session description (RFC 8866) as far as a call needs it, or why it is none. */
export const parseSdp = (text: string): SdpSession | SdpRefusal => {
  if (text.length > SDP_CHARACTERS_MAX) return { reason: 'too long' }
  const all = text.split(LINE_END)
  if (!/^v=0\s*$/.test(all[0] ?? '')) return { reason: 'no session description of version 0' }
  if (all.length > LINES_MAX) return { reason: 'too many lines' }
  const lines = all.filter((line) => READ.test(line))
  const crypto = cryptoOf(all)
  if (lines.some((line) => line.length > LINE_CHARACTERS_MAX)) return { reason: 'a line is too long' }
  const origin = originOf(lines)
  if (!origin) return { reason: 'no origin' }
  const mediaLines = lines.filter((line) => line.startsWith('m=')).map(parseMediaLine)
  if (mediaLines.length > MEDIA_MAX) return { reason: 'too many media lines' }
  if (mediaLines.some((line) => line && line.formats.length > FORMATS_MAX)) return { reason: 'too many formats' }
  const parsed = parse(lines.join('\r\n'))
  const media = mediaLines.map(
    (line, index) => line && mediaOf(line, parsed.media?.[index] ?? {}, parsed, crypto[index] ?? []),
  )
  const known = media.filter((line) => line !== undefined)
  return known.length === media.length ? { origin, media: known } : { reason: 'a media line cannot be read' }
}

const originOf = (lines: readonly string[]): SdpSession['origin'] | undefined => {
  const line = lines.find((each) => each.startsWith('o='))
  // User names have been met with spaces in them, and ids that are no numbers (RFC 8866 §5.2 wants neither).
  const words = line?.slice(2).trim().split(/\s+/) ?? []
  const [sessionId, version, network] = words.slice(-5)
  if (words.length < 6 || sessionId === undefined || version === undefined || network !== 'IN') return undefined
  return { username: words.slice(0, -5).join(' '), sessionId, version }
}

const parseMediaLine = (line: string): MediaLine | undefined => {
  const [type, portText, protocol, ...formats] = line.slice(2).trim().split(/\s+/)
  const port = Number(PORT.exec(portText ?? '')?.[1])
  if (type === undefined || protocol === undefined || !(port <= PORT_MAX)) return undefined
  return { type: type.toLowerCase(), port, protocol, formats }
}

/** The keys of each media line, as far as they may be chosen; a tag counts once (RFC 4568 §9.1). Those of the whole session mean nothing. */
const cryptoOf = (lines: readonly string[]): readonly (readonly SdpCrypto[])[] => {
  const media: string[][] = []
  for (const line of lines) {
    if (line.startsWith('m=')) media.push([])
    else if (CRYPTO.test(line) && line.length <= LINE_CHARACTERS_MAX) media.at(-1)?.push(line)
  }
  return media.map((each) => {
    const known = each.slice(0, CRYPTO_MAX).flatMap((line) => parseCrypto(line.replace(CRYPTO, '')) ?? [])
    return known.filter(({ tag }, place) => known.findIndex((other) => other.tag === tag) === place)
  })
}

const mediaOf = (
  line: MediaLine,
  attributes: ParsedMedia,
  session: ParsedSession,
  crypto: readonly SdpCrypto[],
): SdpMedia | undefined => {
  const { port } = line
  const address = addressOf(attributes.connection ?? session.connection) ?? (port === 0 ? '0.0.0.0' : undefined)
  if (address === undefined) return undefined
  const rtcpPort = Number(attributes.rtcp?.port)
  const ptimeMs = Number(attributes.ptime)
  return {
    type: line.type,
    protocol: line.protocol,
    port,
    rtcpPort: rtcpPort >= 1 && rtcpPort <= PORT_MAX ? rtcpPort : Math.min(PORT_MAX, port + 1),
    rtcpAddress: addressOf({ ip: attributes.rtcp?.address }) ?? address,
    address,
    family: address.includes(':') ? 6 : 4,
    direction: isNowhere(address) ? heldDirection(attributes, session) : directionOf(attributes, session),
    codecs: codecsOf(line.formats, attributes),
    isRtcpMultiplexed: attributes.rtcpMux !== undefined,
    label: textOf(attributes.label),
    ptimeMs: ptimeMs > 0 && ptimeMs <= 1_000 ? ptimeMs : undefined,
    crypto,
    formats: line.formats.join(' '),
  }
}

/** An address that may be used; that of a group comes with a time to live behind it (RFC 8866 §5.7). */
const addressOf = (connection: { readonly ip?: unknown } | undefined): string | undefined => {
  const address = textOf(connection?.ip)?.split('/')[0]
  return address !== undefined && ADDRESS.test(address) ? address : undefined
}

const isNowhere = (address: string): boolean => address === '0.0.0.0' || address === '::'

const directionOf = (line: ParsedMedia, session: ParsedSession): SdpDirection => {
  const said = line.direction ?? session.direction
  return DIRECTIONS.has(said) ? (said as SdpDirection) : 'sendrecv'
}

/** The old way of hold (RFC 3264 §8.4, RFC 2543): nothing can be sent to the peer; what it may still send is what it says. */
const heldDirection = (line: ParsedMedia, session: ParsedSession): SdpDirection => {
  const said = directionOf(line, session)
  return said === 'recvonly' || said === 'inactive' ? 'inactive' : 'sendonly'
}

const codecsOf = (formats: readonly string[], line: ParsedMedia): readonly SdpCodec[] =>
  [...new Set(formats)].flatMap((word) => {
    const payloadType = /^\d{1,3}$/.test(word) ? Number(word) : 128
    if (payloadType > 127) return []
    const said = line.rtp?.find(({ payload }) => Number(payload) === payloadType)
    const known = said ? codecOf(said) : STATIC_TYPES.get(payloadType)
    const parameters = textOf(line.fmtp?.find(({ payload }) => Number(payload) === payloadType)?.config)?.trim()
    return known ? [{ payloadType, ...known, parameters }] : []
  })

const codecOf = (map: { codec?: unknown; rate?: unknown; encoding?: unknown }) => {
  const [name, clockRateHz, channels] = [textOf(map.codec), Number(map.rate), Number(map.encoding ?? 1)]
  const isSound = name !== undefined && clockRateHz >= 1_000 && clockRateHz <= 192_000 && channels >= 1 && channels <= 8
  return isSound ? { name, clockRateHz, channels } : undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
