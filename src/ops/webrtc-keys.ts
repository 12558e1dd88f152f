import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { IceServer } from '../domain/ice-server.ts'
import type { ConfigKey } from './config-keys.ts'

/** Where WebRTC peers are reached: one UDP port for all of them. */
export interface WebRtcListen {
  /** An IP address; that of one interface, or the one that means all of them. */
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
}

const LISTEN = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})$/i
/** User names and passwords go into a header field as they are. */
const ICE_SERVER =
  /^(stuns?|turns?):(?:([!-9;-?A-~]{1,128}):([!-?A-~]{1,256})@)?([a-z0-9.-]{1,253}|\[([0-9a-f:.]{2,45})\])(:(\d{1,5}))?(\?transport=(?:udp|tcp))?$/i
const ICE_SERVERS_MAX = 8
const ORIGINS_MAX = 64
const PORT_MAX = 65_535

/** `127.0.0.1:8189` or `[::1]:8189`, `none` as null; undefined for anything else. */
export const parseWebRtcListen = (text: string): WebRtcListen | null | undefined => {
  if (text === 'none') return null
  const [, ipv6, ipv4, digits] = LISTEN.exec(text) ?? []
  const address = ipv6 ?? ipv4 ?? ''
  const port = Number(digits)
  const isAddress = ipv6 === undefined ? isIPv4(address) : isIPv6(address)
  return isAddress && port <= PORT_MAX ? { address, port } : undefined
}

const parseIceServers = (text: string): readonly IceServer[] | undefined => {
  const servers = text.split(',', ICE_SERVERS_MAX + 1).map((entry) => parseIceServer(entry.trim()))
  return servers.length <= ICE_SERVERS_MAX && servers.every((server) => server !== undefined) ? servers : undefined
}

const parseIceServer = (text: string): IceServer | undefined => {
  const [, scheme, username, credential, host, ipv6, port = '', digits, query = ''] = ICE_SERVER.exec(text) ?? []
  if (scheme === undefined || host === undefined || Number(digits ?? 0) > PORT_MAX) return undefined
  const isStun = scheme.toLowerCase().startsWith('stun')
  // Only TURN has a transport of its own (RFC 7064, RFC 7065).
  if ((ipv6 !== undefined && !isIPv6(ipv6)) || (isStun && query !== '')) return undefined
  const uri = `${scheme.toLowerCase()}:${host}${port}${query}`
  return username === undefined || credential === undefined ? { uri } : { uri, username, credential }
}

const parseOrigins = (text: string): '*' | readonly string[] | undefined => {
  if (text === '*') return '*'
  if (text === 'none') return []
  const origins = text.split(',', ORIGINS_MAX + 1).map((entry) => entry.trim())
  const isOrigin = (each: string) => URL.parse(each)?.origin === each && !each.includes('*')
  return origins.length <= ORIGINS_MAX && origins.every(isOrigin) ? origins : undefined
}

const whole =
  (min: number, max: number) =>
  (text: string): number | undefined => {
    const value = Number(text)
    return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
  }

/** The settings of WebRTC ingest (WHIP). */
export const WEBRTC_KEYS = {
  WEBRTC_LISTEN: {
    about: 'Where browsers and other WHIP clients send their media: one UDP port for all.',
    allowed: 'none, or an IP address and a port such as 127.0.0.1:8189, an IPv6 address in brackets',
    fallback: '127.0.0.1:8189',
    parse: parseWebRtcListen,
  },
  WEBRTC_PUBLIC_ADDRESS: {
    about: 'What they are told instead of that address, behind a NAT.',
    allowed: 'an IP address',
    parse: (text: string) => (isIP(text) === 0 ? undefined : text),
  },
  WEBRTC_ICE_SERVERS: {
    about: 'STUN and TURN servers that they are told of.',
    allowed: `up to ${ICE_SERVERS_MAX} of stun:host:port and turn:user:password@host:port?transport=udp, separated by commas`,
    parse: parseIceServers,
  },
  WEBRTC_ORIGINS: {
    about: 'Web pages of which origins may publish; those of this server always may.',
    allowed: 'none, *, or origins such as https://app.example.com, separated by commas',
    fallback: 'none',
    parse: parseOrigins,
  },
  WEBRTC_PROJECT_MAX: {
    about: 'WebRTC sessions that one project may have at once; more get 503.',
    allowed: 'a whole number from 1 to 100000',
    fallback: '100',
    parse: whole(1, 100_000),
  },
  WEBRTC_POSTS_PER_SECOND: {
    about: 'Offers that one project may send a second; more get 429.',
    allowed: 'a whole number from 1 to 10000',
    fallback: '20',
    parse: whole(1, 10_000),
  },
  WEBRTC_WAV_RATE: {
    about: 'Samples a second of the WAV that `url` gives of a WebRTC recording.',
    allowed: '8000, 16000, 24000 or 48000',
    fallback: '48000',
    parse: (text: string) => [8000, 16_000, 24_000, 48_000].find((rate) => String(rate) === text),
  },
  WEBRTC_DEMO: {
    about: 'A page at /whip/demo that records a microphone and plays the recording.',
    allowed: 'on or off',
    fallback: 'off',
    parse: (text: string) => (text === 'on' || text === 'off' ? text : undefined),
  },
} satisfies Record<string, ConfigKey<unknown>>
