import { type ParsedMedia, type ParsedSession, parse } from 'sdp-transform'
import type { SdpCodec, SdpDirection, SdpMedia, SdpSession } from './offer.ts'
import { STATIC_TYPES } from './static-types.ts'

/** Why a text is no session description. */
export interface SdpRefusal {
  readonly reason: string
}

export const SDP_CHARACTERS_MAX = 65_536
export const MEDIA_MAX = 32
export const FORMATS_MAX = 128
const LINES_MAX = 2_000
const PORT_MAX = 65_535
const DIRECTIONS: ReadonlySet<unknown> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive'])
/** Addresses and host names; nothing else is ever put into a message of ours or asked of the system. */
const ADDRESS = /^[A-Za-z0-9:.%_-]{1,255}$/

/** A session description (RFC 8866) as far as a call needs it, or why it is none. */
export const parseSdp = (text: string): SdpSession | SdpRefusal => {
  if (text.length > SDP_CHARACTERS_MAX) return { reason: 'too long' }
  if (!/^v=0\r?$/m.test(text.slice(0, 16))) return { reason: 'no session description of version 0' }
  const lines = text.split('\n')
  if (lines.length > LINES_MAX) return { reason: 'too many lines' }
  const mediaLines = lines.filter((line) => line.startsWith('m='))
  if (mediaLines.length > MEDIA_MAX) return { reason: 'too many media lines' }
  // Told apart before the library reads them: it would silently leave out what it does not understand.
  if (mediaLines.some((line) => line.trim().split(/\s+/).length > FORMATS_MAX + 3))
    return { reason: 'too many formats' }
  const parsed = parseOrUndefined(text)
  const origin = parsed && originOf(parsed)
  if (!parsed || !origin) return { reason: 'no origin' }
  const media = (parsed.media ?? []).map((line, index) => mediaOf(line, parsed, mediaLines[index] ?? ''))
  if (media.length !== mediaLines.length || media.some((line) => line === undefined)) {
    return { reason: 'a media line cannot be read' }
  }
  return { origin, media: media.filter((line) => line !== undefined) }
}

const parseOrUndefined = (text: string): ParsedSession | undefined => {
  try {
    return parse(text)
  } catch {
    // The library throws on some texts that are no SDP: the answer is the same as for those on which it does not.
    return undefined
  }
}

const originOf = ({ origin }: ParsedSession): SdpSession['origin'] | undefined => {
  const [username, sessionId, version] = [origin?.username, origin?.sessionId, origin?.sessionVersion].map(textOf)
  if (username === undefined || sessionId === undefined || version === undefined) return undefined
  return { username, sessionId, version }
}

const mediaOf = (line: ParsedMedia, session: ParsedSession, text: string): SdpMedia | undefined => {
  const [, type, portText, protocol] = /^m=(\S+)\s+(\d{1,5})(?:\/\d+)?\s+(\S+)\s/.exec(`${text.trim()} `) ?? []
  const port = Number(portText)
  const connection = line.connection ?? session.connection
  const address = textOf(connection?.ip) ?? (port === 0 ? '0.0.0.0' : undefined)
  if (type === undefined || protocol === undefined || port > PORT_MAX) return undefined
  if (address === undefined || !ADDRESS.test(address)) return undefined
  const rtcpPort = Number(line.rtcp?.port)
  const rtcpAddress = textOf(line.rtcp?.address)
  const isHeld = address === '0.0.0.0' || address === '::'
  const ptimeMs = Number(line.ptime)
  return {
    type: type.toLowerCase(),
    protocol,
    port,
    rtcpPort:
      Number.isInteger(rtcpPort) && rtcpPort > 0 && rtcpPort <= PORT_MAX ? rtcpPort : Math.min(PORT_MAX, port + 1),
    rtcpAddress: rtcpAddress !== undefined && ADDRESS.test(rtcpAddress) ? rtcpAddress : address,
    address,
    family: address.includes(':') ? 6 : 4,
    direction: isHeld ? heldDirection(line, session) : directionOf(line, session),
    codecs: codecsOf(line),
    isRtcpMultiplexed: line.rtcpMux !== undefined,
    label: textOf(line.label),
    ptimeMs: ptimeMs > 0 && ptimeMs <= 1_000 ? ptimeMs : undefined,
    formats: textOf(line.payloads) ?? '',
  }
}

const directionOf = (line: ParsedMedia, session: ParsedSession): SdpDirection => {
  const said = line.direction ?? session.direction
  return DIRECTIONS.has(said) ? (said as SdpDirection) : 'sendrecv'
}

/** The old way of hold (RFC 3264 §8.4, RFC 2543): nothing can be sent to the peer; what it may still send is what it says. */
const heldDirection = (line: ParsedMedia, session: ParsedSession): SdpDirection => {
  const said = directionOf(line, session)
  return said === 'recvonly' || said === 'inactive' ? 'inactive' : 'sendonly'
}

const codecsOf = (line: ParsedMedia): readonly SdpCodec[] =>
  (textOf(line.payloads) ?? '').split(/\s+/).flatMap((word) => {
    const payloadType = /^\d{1,3}$/.test(word) ? Number(word) : 128
    if (payloadType > 127) return []
    const said = line.rtp?.find(({ payload }) => Number(payload) === payloadType)
    const known = said ? codecOf(said) : STATIC_TYPES.get(payloadType)
    const parameters = textOf(line.fmtp?.find(({ payload }) => Number(payload) === payloadType)?.config)
    return known ? [{ payloadType, ...known, parameters }] : []
  })

const codecOf = (map: { codec?: unknown; rate?: unknown; encoding?: unknown }) => {
  const [name, clockRateHz, channels] = [textOf(map.codec), Number(map.rate), Number(map.encoding ?? 1)]
  const isSound = name !== undefined && clockRateHz >= 1_000 && clockRateHz <= 192_000 && channels >= 1 && channels <= 8
  return isSound ? { name, clockRateHz, channels } : undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
