import { BlockList, isIP } from 'node:net'
import type { SipMessage, SipRefusal } from '../../protocol/sip/message.ts'

/** The transports of SIP, as Via names them (RFC 3261 §20.42). */
export type SipProtocol = 'UDP' | 'TCP' | 'TLS'

/** One end of a flow. IPv6 without brackets, IPv4 never in its IPv6-mapped form. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** Our end of a flow. */
export interface LocalEnd extends SocketAddress {
  /** What peers are told instead of the address: it differs when they reach us through NAT. */
  readonly host: string
}

/** The way to one peer: a UDP socket and its address, or a connection. */
export interface SipFlow {
  readonly protocol: SipProtocol
  readonly remote: SocketAddress
  /**
   * SHA-256 fingerprint of the TLS certificate whose key the peer has, 64 lower-case hexadecimal digits. Undefined while that certificate is not valid
   * (expired, or not yet), for a peer without one, and over UDP and TCP.
   */
  readonly peerCertificate?: string | undefined
  /** False when a connection has ended; UDP is always open. */
  readonly isOpen: boolean
  /**
   * Sends to the peer, or over UDP to `to` from the same socket. False when that is known to be in vain: the connection has ended or its peer does not
   * read. True promises nothing: UDP loses, connections break.
   */
  send(bytes: Uint8Array, to?: SocketAddress): boolean
  /** Where the peer reaches us: the listener that it came in by, with an address of this machine instead of a wildcard. */
  findLocal(): Promise<LocalEnd>
  /** Calls `listener` once when the connection ends; never over UDP. Returns what forgets it. */
  onClosed(listener: () => void): () => void
  /** The peer belongs to a trunk: when there are too many connections, others go first. */
  trust(): void
  /** Something depends on this connection, so that being idle does not end it. Returns what takes that back; once. */
  retain(): () => void
}

/** Who hears what comes in. Never throws. */
export interface SipReceiver {
  received(message: SipMessage, flow: SipFlow): void
  /** Bytes that are no message, and the reason; fatal for a connection, which ends after an answer. */
  refused(refusal: SipRefusal, flow: SipFlow): void
}

/** Where SIP comes in and goes out. */
export interface SipTransports {
  /** A flow to a peer: an open connection to it, else a new one; over UDP from a listening socket of its family. Rejects with SIP_UNREACHABLE. */
  connect(protocol: SipProtocol, remote: SocketAddress): Promise<SipFlow>
}

/** The ports that are meant when none is said (RFC 3261 §19.1.2). */
export const defaultPort = (protocol: SipProtocol): number => (protocol === 'TLS' ? 5061 : 5060)

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i

/** An IP address without IPv6 mapping, brackets and zone, as everything here compares it. */
export const plainAddress = (address: string): string => {
  const bare =
    (address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address).split('%', 1)[0] ?? ''
  return MAPPED.exec(bare)?.[1] ?? bare.toLowerCase()
}

/** `address:port`, with brackets where IPv6 needs them. */
export const formatHostPort = ({ address, port }: SocketAddress): string => `${formatHost(address)}:${port}`

/** A host as URIs and Via write it. */
export const formatHost = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address)

const PRIVATE_SUBNETS = [
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['::1', 128, 'ipv6'],
] as const

const privateNetworks = new BlockList()
for (const [network, prefix, family] of PRIVATE_SUBNETS) privateNetworks.addSubnet(network, prefix, family)

/** True for addresses that only mean something within their own network (RFC 1918, RFC 6598, RFC 4193, link-local, loopback). */
export const isPrivateAddress = (address: string): boolean =>
  isIP(address) !== 0 && privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
