import type { SdpCodec, SdpMedia, SdpSession } from './offer.ts'

/** A session description as text (RFC 8866 §5), strict: CRLF, every line in its order. */
export const formatSdp = ({ origin, media }: SdpSession): string => {
  const first = media.find(({ port }) => port > 0) ?? media[0]
  const address = first ? connection(first) : 'IN IP4 0.0.0.0'
  const lines = [
    'v=0',
    `o=${origin.username} ${origin.sessionId} ${origin.version} ${address}`,
    's=-',
    `c=${address}`,
    't=0 0',
    ...media.flatMap((line) => (line.port === 0 ? [mediaLine(line)] : [mediaLine(line), ...attributes(line)])),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

const connection = ({ address, family }: SdpMedia): string => `IN IP${family} ${address}`

const mediaLine = ({ type, port, protocol, formats }: SdpMedia): string => `m=${type} ${port} ${protocol} ${formats}`

const attributes = (line: SdpMedia): readonly string[] => [
  ...line.codecs.flatMap(codecLines),
  ...(line.ptimeMs === undefined ? [] : [`a=ptime:${line.ptimeMs}`]),
  ...(line.label === undefined ? [] : [`a=label:${line.label}`]),
  ...(line.isRtcpMultiplexed ? ['a=rtcp-mux'] : [`a=rtcp:${line.rtcpPort}`]),
  `a=${line.direction}`,
]

const codecLines = ({ payloadType, name, clockRateHz, channels, parameters }: SdpCodec): readonly string[] => [
  `a=rtpmap:${payloadType} ${name}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`,
  ...(parameters === undefined ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
]
