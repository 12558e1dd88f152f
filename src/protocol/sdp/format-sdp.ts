import { formatCrypto } from './crypto.ts'
import type { SdpCodec, SdpMedia, SdpSession } from './offer.ts'

/** A session description as text (RFC 8866 §5), strict: CRLF, every line in its order. Nothing that came from a peer can break out of its line. */
export const formatSdp = ({ origin, media }: SdpSession): string => {
  // Refused lines still have the address of the peer that offered them: it is not ours to name.
  const first = media.find(({ port }) => port > 0)
  const address = first ? connection(first) : 'IN IP4 0.0.0.0'
  const lines = [
    'v=0',
    `o=${origin.username} ${origin.sessionId} ${origin.version} ${address}`,
    's=-',
    `c=${address}`,
    't=0 0',
    ...media.flatMap((line) => (line.port === 0 ? [mediaLine(line)] : mediaLines(line, address))),
  ]
  return lines.map((line) => `${line.replace(/[\0\r\n]/g, ' ')}\r\n`).join('')
}

const connection = ({ address, family }: Pick<SdpMedia, 'address' | 'family'>): string => `IN IP${family} ${address}`

const mediaLine = ({ type, port, protocol, formats }: SdpMedia): string => `m=${type} ${port} ${protocol} ${formats}`

const mediaLines = (line: SdpMedia, sessionAddress: string): readonly string[] => [
  mediaLine(line),
  ...(connection(line) === sessionAddress ? [] : [`c=${connection(line)}`]),
  ...line.crypto.map((crypto) => `a=crypto:${formatCrypto(crypto)}`),
  ...line.codecs.flatMap(codecLines),
  ...(line.ptimeMs === undefined ? [] : [`a=ptime:${line.ptimeMs}`]),
  ...(line.label === undefined ? [] : [`a=label:${line.label}`]),
  line.isRtcpMultiplexed ? 'a=rtcp-mux' : rtcpLine(line),
  `a=${line.direction}`,
]

/** RFC 3605 §2.1; the address only when it is another than that of the media. */
const rtcpLine = ({ address, rtcpAddress, rtcpPort }: SdpMedia): string =>
  rtcpAddress === address
    ? `a=rtcp:${rtcpPort}`
    : `a=rtcp:${rtcpPort} ${connection({ address: rtcpAddress, family: rtcpAddress.includes(':') ? 6 : 4 })}`

const codecLines = ({ payloadType, name, clockRateHz, channels, parameters }: SdpCodec): readonly string[] => [
  `a=rtpmap:${payloadType} ${name}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`,
  ...(parameters === undefined ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
]
