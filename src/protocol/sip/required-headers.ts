import { parseCseq } from './cseq.ts'
import { splitHeaderList } from './header-list.ts'
import { headerOf, headersOf, type SipRequest } from './message.ts'
import { parseNameAddr } from './name-addr.ts'
import { parseSipUri } from './sip-uri.ts'
import { parseVia } from './via.ts'

/** Why a request is refused whoever sent it. */
export interface RequestFault {
  readonly status: number
  /** For the log; holds nothing of the request. */
  readonly reason: string
}

/** Fields of which there is one (RFC 3261 §20, table 2). */
const SINGLE = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards'] as const
const CALL_ID_CHARACTERS_MAX = 512
const MAX_FORWARDS_MAX = 255

/** What any request must have, whatever it asks for (RFC 3261 §8.1.1, §8.2.2.1, §16.3); undefined when it has it. */
export const checkRequest = (request: SipRequest): RequestFault | undefined => {
  const missing = checkPresence(request)
  if (missing) return missing
  // All of them: the answer goes back along every one.
  const vias = headersOf(request, 'Via').flatMap(splitHeaderList)
  if (vias.length === 0 || !vias.every(parseVia)) return fault(400, 'a Via cannot be read')
  for (const name of ['From', 'To'] as const) {
    if (!parseNameAddr(headerOf(request, name) ?? '')) return fault(400, `the ${name} cannot be read`)
  }
  const callId = headerOf(request, 'Call-ID') ?? ''
  if (/\s/.test(callId) || callId.length > CALL_ID_CHARACTERS_MAX) return fault(400, 'the Call-ID cannot be read')
  const cseq = parseCseq(headerOf(request, 'CSeq') ?? '')
  if (!cseq) return fault(400, 'the CSeq cannot be read')
  if (cseq.method !== request.method) return fault(400, 'the CSeq names another method')
  return checkMaxForwards(request) ?? checkUri(request)
}

const checkPresence = (request: SipRequest): RequestFault | undefined => {
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq'] as const) {
    if (!headerOf(request, name)) return fault(400, `no ${name}`)
  }
  const doubled = SINGLE.find((name) => headersOf(request, name).length > 1)
  return doubled && fault(400, `more than one ${doubled}`)
}

/** A request without it is taken: old clients send none. */
const checkMaxForwards = (request: SipRequest): RequestFault | undefined => {
  const value = headerOf(request, 'Max-Forwards')
  if (value === undefined) return undefined
  return /^\d{1,8}$/.test(value) && Number(value) <= MAX_FORWARDS_MAX
    ? undefined
    : fault(400, 'the Max-Forwards cannot be read')
}

const checkUri = ({ uri }: SipRequest): RequestFault | undefined => {
  if (/^sips?:/i.test(uri)) return parseSipUri(uri) ? undefined : fault(400, 'the Request-URI cannot be read')
  // A telephone number is as good a name as any (RFC 3966): whoever calls is recorded.
  if (/^tel:\+?[0-9A-Za-z.\-()*#;=]{1,256}$/i.test(uri)) return undefined
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)
    ? fault(416, 'another URI scheme')
    : fault(400, 'the Request-URI is none')
}

const fault = (status: number, reason: string): RequestFault => ({ status, reason })
