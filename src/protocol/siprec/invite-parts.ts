import { isRsMetadataType } from '../rs-metadata/media-type.ts'
import { parseContentType } from '../sip/content-type.ts'
import { headerOf, type SipHeaders, type SipRequest } from '../sip/message.ts'
import { type BodyPart, parseMultipart } from '../sip/multipart.ts'

/** One part of an INVITE's body, or all of it. */
export interface InvitePart {
  /** `type/subtype`, lower case, without parameters; empty when it cannot be read. */
  readonly type: string
  /** As it came: `recording-session`, `session;handling=required`. */
  readonly disposition: string | undefined
  /** What its own Content-Length says, when it has one. */
  readonly declaredBytes: number | undefined
  /** It may be left out by who does not understand it (RFC 5621 §3). */
  readonly isOptional: boolean
  readonly body: Uint8Array
}

/** What a body is made of. */
export interface InviteParts {
  readonly parts: readonly InvitePart[]
  readonly isMultipart: boolean
  /** A part is a multipart of its own. */
  readonly isNested: boolean
  /** The boundary that ends a multipart body is not there. */
  readonly isUnended: boolean
}

/** Why a body cannot be taken apart. */
export interface PartsRefusal {
  readonly reason: string
}

const SDP_TYPE = 'application/sdp'

/** Takes the body of an INVITE apart; one that is no multipart is its own only part. */
export const readInviteParts = (request: SipRequest): InviteParts | PartsRefusal => {
  const contentType = headerOf(request, 'Content-Type')
  if (contentType === undefined) return { reason: 'there is no Content-Type' }
  const type = parseContentType(contentType)
  if (!type) return { reason: 'the Content-Type cannot be read' }
  if (!type.type.startsWith('multipart/'))
    return { parts: [partOf(request)], isMultipart: false, isNested: false, isUnended: false }
  const parts = parseMultipart(request.body, contentType)
  if (!Array.isArray(parts)) return parts as PartsRefusal
  const text = new TextDecoder('latin1').decode(request.body)
  return {
    parts: (parts as readonly BodyPart[]).map(partOf),
    isMultipart: true,
    isNested: /^content-type\s*:\s*multipart\//im.test(text),
    isUnended: !text.includes(`--${type.parameters.get('boundary') ?? ''}--`),
  }
}

/** The session description: the first part that is one. */
export const sdpOf = ({ parts }: InviteParts): InvitePart | undefined => parts.find(({ type }) => type === SDP_TYPE)

/** Recording metadata: all parts that are. */
export const metadataOf = ({ parts }: InviteParts): readonly InvitePart[] =>
  parts.filter(({ type }) => isRsMetadataType(type))

/** Whatever else there is. */
export const otherPartsOf = ({ parts }: InviteParts): readonly InvitePart[] =>
  parts.filter(({ type }) => type !== SDP_TYPE && !isRsMetadataType(type))

const partOf = (part: { readonly headers: SipHeaders; readonly body: Uint8Array }): InvitePart => {
  const disposition = headerOf(part, 'Content-Disposition')
  const declared = headerOf(part, 'Content-Length') ?? ''
  return {
    type: parseContentType(headerOf(part, 'Content-Type') ?? 'text/plain')?.type ?? '',
    disposition,
    declaredBytes: /^\d{1,9}$/.test(declared) ? Number(declared) : undefined,
    isOptional: /;\s*handling\s*=\s*"?optional"?\s*(?:;|$)/i.test(disposition ?? ''),
    body: part.body,
  }
}
