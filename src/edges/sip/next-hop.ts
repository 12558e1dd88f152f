import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { PoulsenError } from '../../domain/errors.ts'
import { parseSipUri, type SipUri } from '../../protocol/sip/sip-uri.ts'
import {
  defaultPort,
  isPrivateAddress,
  plainAddress,
  type SipFlow,
  type SipProtocol,
  type SipTransports,
} from './flow.ts'

const LOOKUP_DEADLINE_MS = 5_000

/** Where a request of ours in a dialog goes, and how. */
export interface OutgoingPath {
  readonly protocol: SipProtocol
  readonly isReliable: boolean
  send(bytes: Uint8Array): boolean
  readonly flow: SipFlow
}

/**
 * The way of a request of ours to the next hop of a dialog. An open connection of the peer is used again. Over UDP the next hop's URI decides, from the socket
 * that the call came in by, but for a peer behind NAT: when a Contact without proxies on the way names a private address and the call came from a public
 * one, it goes back to where that came from. Host names are looked up for addresses only (no SRV or NAPTR records). Rejects with SIP_UNREACHABLE.
 */
export const findPath = async (
  nextHop: string,
  options: { readonly flow: SipFlow; readonly isRouted: boolean; readonly transports: SipTransports },
): Promise<OutgoingPath> => {
  const { flow, isRouted, transports } = options
  if (flow.protocol !== 'UDP' && flow.isOpen) return over(flow)
  const uri = parseSipUri(nextHop)
  if (!uri) throw unreachable(nextHop)
  const protocol = protocolOf(uri, flow)
  const address = await addressOf(uri.host)
  const isBehindNat = !isRouted && isPrivateAddress(address) && !isPrivateAddress(flow.remote.address)
  if (isBehindNat)
    return protocol === 'UDP' && flow.protocol === 'UDP'
      ? over(flow)
      : over(await transports.connect(flow.protocol, flow.remote))
  const remote = { address, port: uri.port ?? defaultPort(protocol) }
  const isSameSocket = protocol === 'UDP' && flow.protocol === 'UDP' && isIPv6(address) === isIPv6(flow.remote.address)
  if (!isSameSocket) return over(await transports.connect(protocol, remote))
  return { ...over(flow), send: (bytes) => flow.send(bytes, remote) }
}

const over = (flow: SipFlow): OutgoingPath => ({
  protocol: flow.protocol,
  isReliable: flow.protocol !== 'UDP',
  send: (bytes) => flow.send(bytes),
  flow,
})

/** What the URI says; a peer that says nothing is reached as it has reached us. */
const protocolOf = (uri: SipUri, flow: SipFlow): SipProtocol => {
  if (uri.scheme === 'sips') return 'TLS'
  const named = uri.parameters.get('transport')?.toUpperCase()
  return named === 'UDP' || named === 'TCP' || named === 'TLS' ? named : flow.protocol
}

const addressOf = async (host: string): Promise<string> => {
  const plain = plainAddress(host)
  if (isIP(plain) !== 0) return plain
  const late = new Promise<never>((_, reject) => {
    AbortSignal.timeout(LOOKUP_DEADLINE_MS).addEventListener('abort', () => reject(unreachable(host)))
  })
  return plainAddress((await Promise.race([lookup(host), late])).address)
}

const unreachable = (target: string): PoulsenError =>
  new PoulsenError({ code: 'SIP_UNREACHABLE', kind: 'unavailable', message: `No way to ${target}.` })
