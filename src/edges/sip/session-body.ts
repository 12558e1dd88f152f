import { isRsMetadataType } from '../../protocol/rs-metadata/media-type.ts'
import { parseContentType } from '../../protocol/sip/content-type.ts'
import { headerOf, type SipHeaders, type SipRequest } from '../../protocol/sip/message.ts'
import { parseMultipart } from '../../protocol/sip/multipart.ts'
import { ACCEPT, type Reply, SDP_TYPE } from './reply.ts'

/** A metadata document of a recording session (RFC 7866 §9.1). */
export interface MetadataPart {
  readonly contentType: string
  readonly xml: Uint8Array
}

/** What a request's body has for us: each part that is there, or the answer that it deserves instead. */
export type SessionBody =
  | { readonly kind: 'parts'; readonly sdp?: string; readonly metadata?: MetadataPart }
  | { readonly kind: 'refusal'; readonly reply: Reply }

type Part = { readonly headers: SipHeaders; readonly body: Uint8Array }

const NOTHING: SessionBody = { kind: 'parts' }
const UNSUPPORTED: SessionBody = {
  kind: 'refusal',
  reply: { status: 415, headers: [['Accept', ACCEPT]] },
}
const WRONG_CODING: SessionBody = {
  kind: 'refusal',
  reply: { status: 415, headers: [['Accept-Encoding', 'identity']] },
}
const DAMAGED: SessionBody = { kind: 'refusal', reply: { status: 400 } }

/**
 * The session description and the metadata of a request, also as parts of a multipart body, in any order; bodies that may be ignored are (RFC 3261 §8.2.3,
 * §20.11, RFC 5621 §3).
 */
export const readBody = (request: SipRequest): SessionBody => {
  if (request.body.length === 0) return NOTHING
  const contentType = headerOf(request, 'Content-Type')
  if (contentType === undefined) return DAMAGED
  return readPart(contentType, request)
}

const readPart = (contentType: string, part: Part): SessionBody => {
  const type = parseContentType(contentType)?.type
  if (type === undefined) return isOptional(part) ? NOTHING : DAMAGED
  if (!isUnderstood(part)) return isOptional(part) ? NOTHING : WRONG_CODING
  if (type === SDP_TYPE) return isSession(part) ? { kind: 'parts', sdp: new TextDecoder().decode(part.body) } : NOTHING
  if (isRsMetadataType(type)) return { kind: 'parts', metadata: { contentType, xml: part.body } }
  if (type.startsWith('multipart/')) return readParts(contentType, part.body)
  return isOptional(part) ? NOTHING : UNSUPPORTED
}

/** The first of each kind of all parts. A part that may not be ignored and is not understood refuses them all, wherever it is. */
const readParts = (contentType: string, body: Uint8Array): SessionBody => {
  const parts = parseMultipart(body, contentType)
  if (!Array.isArray(parts)) return DAMAGED
  const bodies = parts.map((part) => readPart(headerOf(part, 'Content-Type') ?? 'text/plain', part))
  const refusal = bodies.find(({ kind }) => kind === 'refusal')
  if (refusal) return refusal
  const [sdp] = bodies.flatMap((each) => (each.kind === 'parts' && each.sdp !== undefined ? [each.sdp] : []))
  const [metadata] = bodies.flatMap((each) => (each.kind === 'parts' && each.metadata ? [each.metadata] : []))
  return { kind: 'parts', ...(sdp !== undefined && { sdp }), ...(metadata && { metadata }) }
}

const isUnderstood = (part: Part): boolean => {
  const coding = headerOf(part, 'Content-Encoding')
  return coding === undefined || coding.trim().toLowerCase() === 'identity'
}

const disposition = (part: Part): readonly string[] =>
  (headerOf(part, 'Content-Disposition') ?? '')
    .toLowerCase()
    .split(';')
    .map((word) => word.trim())

const isOptional = (part: Part): boolean => disposition(part).some((word) => /^handling\s*=\s*"?optional"?$/.test(word))

/** SDP without a disposition is the session's; early ones and previews are not. */
const isSession = (part: Part): boolean => ['', 'session'].includes(disposition(part)[0] ?? '')
