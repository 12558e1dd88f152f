import { parseContentType } from '../../protocol/sip/content-type.ts'
import { headerOf, type SipHeaders, type SipRequest } from '../../protocol/sip/message.ts'
import { parseMultipart } from '../../protocol/sip/multipart.ts'
import { ACCEPT, type Reply, SDP_TYPE } from './reply.ts'

/** What a request's body is for us. */
export type SessionBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'sdp'; readonly text: string }
  | { readonly kind: 'refusal'; readonly reply: Reply }

const NONE: SessionBody = { kind: 'none' }
const UNSUPPORTED: SessionBody = {
  kind: 'refusal',
  reply: { status: 415, headers: [['Accept', ACCEPT]] },
}
const WRONG_CODING: SessionBody = {
  kind: 'refusal',
  reply: { status: 415, headers: [['Accept-Encoding', 'identity']] },
}
const DAMAGED: SessionBody = { kind: 'refusal', reply: { status: 400 } }

/** The session description of a request, also as a part of a multipart body; bodies that may be ignored are (RFC 3261 §8.2.3, §20.11, RFC 5621 §3). */
export const readBody = (request: SipRequest): SessionBody => {
  if (request.body.length === 0) return NONE
  const contentType = headerOf(request, 'Content-Type')
  if (contentType === undefined) return DAMAGED
  return readPart(contentType, request)
}

const readPart = (
  contentType: string,
  part: { readonly headers: SipHeaders; readonly body: Uint8Array },
): SessionBody => {
  const type = parseContentType(contentType)?.type
  if (type === undefined) return isOptional(part) ? NONE : DAMAGED
  if (!isUnderstood(part)) return isOptional(part) ? NONE : WRONG_CODING
  if (type === SDP_TYPE) return isSession(part) ? { kind: 'sdp', text: new TextDecoder().decode(part.body) } : NONE
  if (type.startsWith('multipart/')) return readParts(contentType, part.body)
  return isOptional(part) ? NONE : UNSUPPORTED
}

/** The first session description of all parts. A part that may not be ignored and is not understood refuses them all, wherever it is. */
const readParts = (contentType: string, body: Uint8Array): SessionBody => {
  const parts = parseMultipart(body, contentType)
  if (!Array.isArray(parts)) return DAMAGED
  const bodies = parts.map((part) => readPart(headerOf(part, 'Content-Type') ?? 'text/plain', part))
  return bodies.find(({ kind }) => kind === 'refusal') ?? bodies.find(({ kind }) => kind === 'sdp') ?? NONE
}

const isUnderstood = (part: { readonly headers: SipHeaders }): boolean => {
  const coding = headerOf(part, 'Content-Encoding')
  return coding === undefined || coding.trim().toLowerCase() === 'identity'
}

const disposition = (part: { readonly headers: SipHeaders }): readonly string[] =>
  (headerOf(part, 'Content-Disposition') ?? '')
    .toLowerCase()
    .split(';')
    .map((word) => word.trim())

const isOptional = (part: { readonly headers: SipHeaders }): boolean =>
  disposition(part).some((word) => /^handling\s*=\s*"?optional"?$/.test(word))

/** SDP without a disposition is the session's; early ones and previews are not. */
const isSession = (part: { readonly headers: SipHeaders }): boolean =>
  ['', 'session'].includes(disposition(part)[0] ?? '')
