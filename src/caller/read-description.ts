import { isUnicast } from './target.ts'

// The caller's own reading of SDP, apart from the server's and strict: a mistake there must not hide itself.

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** What the other side says about one m-line. */
export interface RemoteLine {
  /** `audio`, `video` and so on. */
  readonly medium: string
  /** `RTP/AVP`, or `RTP/SAVP` and its like. */
  readonly protocol: string
  readonly address: string
  /** 0: the line is refused, or removed. */
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly isMultiplexed: boolean
  readonly direction: Direction
  /** In order. */
  readonly payloadTypes: readonly number[]
  /** `name/rate` or `name/rate/channels` by payload type, as `a=rtpmap` has it. */
  readonly maps: ReadonlyMap<number, string>
  /** `a=label` (RFC 4574). */
  readonly label?: string
  /** The values of its `a=crypto` (RFC 4568). */
  readonly cryptos: readonly string[]
}

/** A session description of the other side. */
export interface RemoteDescription {
  /** The value of its o-line. */
  readonly origin: string
  readonly lines: readonly RemoteLine[]
}

const DESCRIPTION_MAX_CHARACTERS = 65_536
const LINES_MAX = 64
const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
const MEDIA_LINE = /^(\S+) (\d{1,5}) (RTP\/S?AVPF?)((?: \d{1,3})+)$/

/** The other side's session description, or why a strict caller refuses it. */
export const readDescription = (text: string): RemoteDescription | { readonly reason: string } => {
  if (text.length > DESCRIPTION_MAX_CHARACTERS) return { reason: 'The session description is too long.' }
  if (!text.startsWith('v=0\r\n') || !text.endsWith('\r\n'))
    return { reason: 'Its lines do not begin with v=0, or end without CRLF.' }
  const all = text.slice(0, -2).split('\r\n')
  if (all.some((line) => !/^[a-z]=/.test(line))) return { reason: 'A line is no type=value.' }
  const [session, ...sections] = sectionsOf(all)
  if (sections.length > LINES_MAX) return { reason: 'It has too many m-lines.' }
  const lines: RemoteLine[] = []
  for (const section of sections) {
    const line = readLine(section, session ?? [])
    if ('reason' in line) return line
    lines.push(line)
  }
  return { origin: valuesOf(session ?? [], 'o=')[0] ?? '', lines }
}

/** The lines before the first m-line, then those of each. */
const sectionsOf = (lines: readonly string[]): readonly (readonly string[])[] => {
  const sections: string[][] = [[]]
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push([])
    sections.at(-1)?.push(line)
  }
  return sections
}

const valuesOf = (lines: readonly string[], prefix: string): readonly string[] =>
  lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))

const readLine = (section: readonly string[], session: readonly string[]): RemoteLine | { readonly reason: string } => {
  const [, medium, portText, protocol, types] = MEDIA_LINE.exec(section[0]?.slice('m='.length) ?? '') ?? []
  if (medium === undefined || portText === undefined || protocol === undefined || types === undefined)
    return { reason: 'An m-line is none of RTP.' }
  const rtpPort = Number(portText)
  const connection = valuesOf(section, 'c=')[0] ?? valuesOf(session, 'c=')[0]
  const address = /^IN IP[46] (\S+)$/.exec(connection ?? '')?.[1] ?? ''
  if (rtpPort !== 0 && !isUnicast(address)) return { reason: 'Its connection address is not of one machine.' }
  const isMultiplexed = section.includes('a=rtcp-mux')
  const label = valuesOf(section, 'a=label:')[0]
  return {
    medium,
    protocol,
    address,
    rtpPort,
    rtcpPort: isMultiplexed ? rtpPort : Number.parseInt(valuesOf(section, 'a=rtcp:')[0] ?? `${rtpPort + 1}`, 10),
    isMultiplexed,
    direction: directionIn(section) ?? directionIn(session) ?? 'sendrecv',
    payloadTypes: types.trim().split(' ').map(Number),
    maps: new Map(
      valuesOf(section, 'a=rtpmap:').map((value) => [Number.parseInt(value, 10), value.replace(/^\d+ /, '')]),
    ),
    ...(label !== undefined && { label }),
    cryptos: valuesOf(section, 'a=crypto:'),
  }
}

const directionIn = (lines: readonly string[]): Direction | undefined =>
  DIRECTIONS.find((each) => lines.includes(`a=${each}`))
