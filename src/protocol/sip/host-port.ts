/** A host and perhaps a port. */
export interface HostPort {
  /** As it came; IPv6 without its brackets. */
  readonly host: string
  readonly port: number | undefined
}

const HOST_PORT = /^(?:\[([0-9A-Fa-f:.%]{2,64})\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})))(?:\s*:\s*(\d{1,5}))?$/
const PORT_MAX = 65_535

/** `host`, `host:port`, `[v6]:port` (RFC 3261 §25.1); undefined for anything else. */
export const parseHostPort = (text: string): HostPort | undefined => {
  const [, ipv6, name, digits] = HOST_PORT.exec(text.trim()) ?? []
  const host = ipv6 ?? name
  if (host === undefined) return undefined
  const port = digits === undefined ? undefined : Number(digits)
  return port !== undefined && port > PORT_MAX ? undefined : { host, port }
}

/** The same as text. */
export const formatHostPort = ({ host, port }: HostPort): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`
