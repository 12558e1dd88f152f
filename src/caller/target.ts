import { isIP } from 'node:net'
import { invalid } from './signal.ts'

/** How SIP gets there. */
export type SipTransportName = 'udp' | 'tcp' | 'tls'

/** Whom to call: always one unicast IP address. */
export interface CallTarget {
  /** The Request-URI. */
  readonly uri: string
  readonly address: string
  readonly port: number
  readonly transport: SipTransportName
}

const URI =
  /^(sips?):(?:([^@\s<>"]{1,200})@)?(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(?::(\d{1,5}))?(?:;transport=(udp|tcp|tls))?$/i
const PORT_MAX = 65_535
const DEFAULT_PORTS = { udp: 5060, tcp: 5060, tls: 5061 } as const

/**
 * The target that a text like `sip:127.0.0.1:5060` or `sip:rec@[::1];transport=tcp` names. Names are not looked up: a call goes where the text says and
 * nowhere else. Throws CALL_INVALID for anything but one unicast IP address (or `localhost`).
 */
export const parseTarget = (text: string, transport?: SipTransportName): CallTarget => {
  const [, scheme = '', user = 'poulsen', host = '', portText, named] = URI.exec(text) ?? []
  const address = host.toLowerCase() === 'localhost' ? '127.0.0.1' : host.replace(/^\[|\]$/g, '')
  const way = transport ?? (named?.toLowerCase() as SipTransportName | undefined) ?? (scheme === 'sips' ? 'tls' : 'udp')
  const port = portText === undefined ? DEFAULT_PORTS[way] : Number(portText)
  if (!isUnicast(address) || port < 1 || port > PORT_MAX) {
    throw invalid(
      `A call goes to one IP address, and ${JSON.stringify(text.slice(0, 100))} names none.`,
      'Write it like sip:127.0.0.1:5060 or sip:rec@[::1]:5060;transport=tcp.',
    )
  }
  const suffix = way === 'udp' ? '' : `;transport=${way}`
  return { uri: `sip:${user}@${hostOf(address)}:${port}${suffix}`, address, port, transport: way }
}

/** An address as it stands in a URI or a Via: IPv6 in brackets. */
export const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** True for an address that belongs to one machine: not multicast, broadcast, reserved or unspecified. */
export const isUnicast = (address: string): boolean => {
  const family = isIP(address)
  if (family === 4) {
    const first = Number(address.split('.', 1)[0])
    return first > 0 && first < 224
  }
  const text = address.toLowerCase()
  return family === 6 && !text.startsWith('ff') && !/^[0:]+$/.test(text) && !text.includes('.')
}

/** True for an address of this machine alone. */
export const isLoopback = (address: string): boolean => address === '::1' || /^127\./.test(address)
