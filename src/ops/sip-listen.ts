import { isIPv6 } from 'node:net'

/** Where SIP is listened for. */
export interface SipListenAddress {
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** An IP address (IPv6 without brackets) or a host name. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

export const SIP_LISTEN_MAX = 16

const ENTRY = /^(udp|tcp|tls):(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)):(\d{1,5})$/i
const PORT_MAX = 65_535

/** `udp:127.0.0.1:5060,tls:[::1]:5061` as addresses, `none` as an empty list; undefined for anything else. */
export const parseSipListen = (text: string): readonly SipListenAddress[] | undefined => {
  if (text === 'none') return []
  const entries = text.split(',', SIP_LISTEN_MAX + 1).map((entry) => parseEntry(entry.trim()))
  if (entries.length > SIP_LISTEN_MAX) return undefined
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

const parseEntry = (text: string): SipListenAddress | undefined => {
  const [, transport, ipv6, name, digits] = ENTRY.exec(text) ?? []
  const host = ipv6 ?? name
  const port = Number(digits)
  if (host === undefined || port > PORT_MAX || (ipv6 !== undefined && !isIPv6(ipv6))) return undefined
  return { transport: transport?.toLowerCase() as SipListenAddress['transport'], host, port }
}
