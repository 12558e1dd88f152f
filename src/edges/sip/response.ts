import type { SipHeaders, SipRequest, SipResponse } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { reasonOf } from './reply.ts'

const NO_BODY = new Uint8Array()
/** Copied into every answer (RFC 3261 §8.2.6.2). */
const COPIED: ReadonlySet<string> = new Set(['Via', 'From', 'Call-ID', 'CSeq'])

/** What a response is to say. */
export interface ResponseParts {
  readonly status: number
  readonly headers?: SipHeaders
  readonly body?: Uint8Array
}

/**
 * The response to a request: its Via, From, Call-ID and CSeq as they came, To with our tag when it had none (not in 100), and the route that was
 * recorded when the answer makes a dialog (RFC 3261 §8.2.6, §12.1.1).
 */
export const formResponse = (
  request: Pick<SipRequest, 'headers'>,
  parts: ResponseParts,
  toTag: string,
): SipResponse => ({
  kind: 'response',
  status: parts.status,
  reason: reasonOf(parts.status),
  headers: [
    ...request.headers.flatMap(([name, value]): SipHeaders => {
      if (COPIED.has(name)) return [[name, value]]
      if (name === 'To') return [[name, parts.status === 100 ? value : withTag(value, toTag)]]
      return isRecordedRoute(name, parts) || (name === 'Timestamp' && parts.status === 100) ? [[name, value]] : []
    }),
    ...(parts.headers ?? []),
  ],
  body: parts.body ?? NO_BODY,
})

/** Only answers with a Contact make dialogs. */
const isRecordedRoute = (name: string, { status, headers }: ResponseParts): boolean =>
  name === 'Record-Route' && status >= 200 && status < 300 && (headers?.some(([each]) => each === 'Contact') ?? false)

/** A To value that cannot be read gets its tag all the same: the answer to a request that could not be read either. */
const withTag = (value: string, toTag: string): string =>
  parseNameAddr(value)?.parameters.has('tag') ? value : `${value};tag=${toTag}`
