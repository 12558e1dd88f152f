import { isIP } from 'node:net'
import { formatSipMessage } from '../../protocol/sip/format-message.ts'
import { splitHeaderList } from '../../protocol/sip/header-list.ts'
import type { SipHeaders, SipResponse } from '../../protocol/sip/message.ts'
import { parseVia, type Via } from '../../protocol/sip/via.ts'
import { defaultPort, plainAddress, type SipFlow, type SipTransports, type SocketAddress } from './flow.ts'

/**
 * Headers with the top Via saying where the request really came from: `received` when it says something else or wants `rport`, and the port when it wants that
 * (RFC 3261 §18.2.1, RFC 3581 §4). As they are when there is no Via to be read.
 */
export const stampVia = <Message extends { readonly headers: SipHeaders }>(
  message: Message,
  remote: SocketAddress,
): Message => {
  const index = message.headers.findIndex(([name]) => name === 'Via')
  const [top = '', ...others] = splitHeaderList(message.headers[index]?.[1] ?? '')
  const via = parseVia(top)
  if (!via) return message
  const stamped = stamp(top, via, remote)
  return { ...message, headers: message.headers.with(index, ['Via', [stamped, ...others].join(', ')]) }
}

const RECEIVED = /;\s*received\s*=[^;]*/gi
const RPORT = /;\s*rport\s*(?:=[^;]*)?(?=;|$)/i

/** In the text as it came: the sender compares the rest with what it sent, however oddly that was written. */
const stamp = (text: string, via: Via, remote: SocketAddress): string => {
  const wantsPort = via.parameters.has('rport')
  const isElsewhere = plainAddress(via.host) !== remote.address
  const stamped = text.replace(RECEIVED, '').replace(RPORT, `;rport=${remote.port}`)
  return wantsPort || isElsewhere ? `${stamped};received=${remote.address}` : stamped
}

/**
 * The way of the answers to one request (RFC 3261 §18.2.2): over the connection that it came by, or a new one to where it came from when that has
 * ended; over UDP to its source, at the port that its Via says or, with `rport`, at its source port. `maddr` is not followed: nothing here is
 * multicast, and it would let anybody point our answers at anybody else.
 */
export class ResponsePath {
  readonly #flow: SipFlow
  readonly #transports: SipTransports
  readonly #target: SocketAddress

  /** `message` is stamped. */
  constructor(message: { readonly headers: SipHeaders }, flow: SipFlow, transports: SipTransports) {
    const via = topVia(message)
    const isSymmetric = flow.protocol === 'UDP' && (via === undefined || via.parameters.has('rport'))
    this.#flow = flow
    this.#transports = transports
    this.#target = isSymmetric
      ? flow.remote
      : { address: flow.remote.address, port: via?.port ?? defaultPort(flow.protocol) }
  }

  send(response: SipResponse): void {
    const bytes = formatSipMessage(response)
    if (this.#flow.protocol === 'UDP') this.#flow.send(bytes, this.#target)
    else if (this.#flow.isOpen) this.#flow.send(bytes)
    else if (response.status >= 200) this.#reconnect(bytes)
  }

  /** A peer that can no longer be reached has no use for the answer. */
  #reconnect(bytes: Uint8Array): void {
    this.#transports.connect(this.#flow.protocol, this.#target).then(
      (flow) => flow.send(bytes),
      () => {},
    )
  }
}

/** The first Via, or undefined when it cannot be read. */
export const topVia = (message: { readonly headers: SipHeaders }): Via | undefined => {
  const value = message.headers.find(([name]) => name === 'Via')?.[1]
  return value === undefined ? undefined : parseVia(splitHeaderList(value)[0] ?? '')
}

/** True when a host is an address and not a name. */
export const isAddress = (host: string): boolean => isIP(plainAddress(host)) !== 0
