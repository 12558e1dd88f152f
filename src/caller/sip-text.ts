import { randomBytes } from 'node:crypto'
import {
  headerOf,
  headersOf,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../protocol/sip/message.ts'
import type { SipBody } from './session-side.ts'
import { hostOf, type SipTransportName } from './target.ts'

// What a caller reads of the messages it gets. On purpose not the server's own grammar: a mistake there must not hide itself.

const TOKEN_BYTES = 9
/** RFC 3261 §8.1.1.7. */
const BRANCH_COOKIE = 'z9hG4bK'

/** A tag, a part of a branch or of a Call-ID that nobody guesses. */
export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('hex')
/** A branch for a new transaction. */
export const newBranch = (): string => `${BRANCH_COOKIE}${newToken()}`

/** The tag parameter of a From or To. */
export const tagOf = (message: SipMessage, name: 'From' | 'To'): string | undefined =>
  /;\s*tag\s*=\s*([^;,\s>]+)/i.exec(headerOf(message, name)?.replace(/^[^>]*>/, '') ?? '')?.[1]

/** The branch of the topmost Via. */
export const branchOf = (message: SipMessage): string | undefined =>
  /;\s*branch\s*=\s*([^;,\s]+)/i.exec(headerOf(message, 'Via') ?? '')?.[1]

/** Number and method of the CSeq. */
export const cseqOf = (message: SipMessage): { readonly number: number; readonly method: string } | undefined => {
  const [, number, method] = /^(\d{1,10})\s+(\S+)$/.exec(headerOf(message, 'CSeq') ?? '') ?? []
  return number === undefined || method === undefined ? undefined : { number: Number(number), method }
}

/** The URI of a Contact or Route. */
export const uriIn = (value: string | undefined): string | undefined =>
  /<([^>]+)>/.exec(value ?? '')?.[1] ?? value?.split(';', 1)[0]?.trim()

/** The route set that a UAC takes from a response: its Record-Route from last to first (RFC 3261 §12.1.2). */
export const routesOf = (response: SipResponse): readonly string[] =>
  headersOf(response, 'Record-Route')
    .flatMap((value) => value.split(/,(?=\s*<)/))
    .map((value) => value.trim())
    .reverse()

/** Seconds that a header field begins with: Retry-After, Session-Expires, Min-SE, Expires. */
export const secondsOf = (message: SipMessage, name: string): number | undefined => {
  const digits = /^\d{1,9}/.exec(headerOf(message, name) ?? '')?.[0]
  return digits === undefined ? undefined : Number(digits)
}

/** Who stands on this side of every dialog of one transport. */
export interface LocalParty {
  readonly address: string
  readonly port: number
  readonly transport: SipTransportName
  readonly user: string
}

/** The topmost Via of a new request. */
export const viaOf = ({ address, port, transport }: LocalParty, branch: string): string =>
  `SIP/2.0/${transport.toUpperCase()} ${hostOf(address)}:${port};branch=${branch};rport`

/** Where requests of the other side are to come. */
export const contactOf = ({ address, port, transport, user }: LocalParty): string =>
  `<sip:${user}@${hostOf(address)}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}>`

/** A request with everything that RFC 3261 §8.1.1 wants; Content-Length is the formatter's. */
export const makeRequest = (parts: {
  readonly method: string
  readonly uri: string
  readonly via: string
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly headers?: SipHeaders
  readonly body?: SipBody | undefined
}): SipRequest => ({
  kind: 'request',
  method: parts.method,
  uri: parts.uri,
  headers: [
    ['Via', parts.via],
    ['Max-Forwards', '70'],
    ['From', parts.from],
    ['To', parts.to],
    ['Call-ID', parts.callId],
    ['CSeq', `${parts.cseq} ${parts.method}`],
    ...(parts.headers ?? []),
    ...contentHeaders(parts.body),
  ],
  body: Buffer.from(parts.body?.text ?? ''),
})

const contentHeaders = (body: SipBody | undefined): SipHeaders =>
  body ? [['Content-Type', body.type], ...(body.headers ?? [])] : []

const COPIED = ['Via', 'From', 'To', 'Call-ID', 'CSeq']

/** An answer to a request within a dialog (RFC 3261 §8.2.6): its tags are there already. */
export const makeResponse = (
  request: SipRequest,
  status: number,
  reason: string,
  parts: { readonly headers?: SipHeaders; readonly body?: SipBody } = {},
): SipResponse => ({
  kind: 'response',
  status,
  reason,
  headers: [
    ...request.headers.filter(([name]) => COPIED.includes(name)),
    ...(parts.headers ?? []),
    ...contentHeaders(parts.body),
  ],
  body: Buffer.from(parts.body?.text ?? ''),
})

/** From, with a new tag, and To of a request that begins something. */
export const addressesOf = (
  { user, address }: LocalParty,
  uri: string,
): { readonly from: string; readonly to: string } => ({
  from: `<sip:${user}@${hostOf(address)}>;tag=${newToken()}`,
  to: `<${uri}>`,
})
