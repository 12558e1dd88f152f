import { randomBytes } from 'node:crypto'
import type { SipBody } from './session-side.ts'

/** How the bodies of a session are written. All absent: to the letter. */
export interface BodyStyle {
  /** The metadata before the session description. */
  readonly metadataFirst?: boolean
  /** `application/rs-metadata`, as RFC 7866 had it before RFC 9806. */
  readonly legacyMediaType?: boolean
  /** Lines end in LF alone. */
  readonly bareLineFeeds?: boolean
}

export const SDP_TYPE = 'application/sdp'
const METADATA_TYPE = 'application/rs-metadata+xml'
const LEGACY_METADATA_TYPE = 'application/rs-metadata'
/** What a server may ask for a snapshot with (RFC 7866 §9.2, RFC 9806 §2): all of them are met. */
export const SNAPSHOT_REQUEST_TYPES: readonly string[] = [
  METADATA_TYPE,
  LEGACY_METADATA_TYPE,
  'application/rs-metadata-request',
]
/** RFC 7866 §9.1. */
export const METADATA_DISPOSITION = 'recording-session'
const BOUNDARY_BYTES = 12
const CRLF = '\r\n'

/** The body of a request that describes a session (RFC 7866 §9.1): the description alone, metadata alone, or both as multipart/mixed (RFC 2046 §5.1.3). */
export const formatBody = (
  parts: { readonly sdp?: string; readonly metadata?: string },
  style: BodyStyle = {},
): SipBody => {
  const { sdp, metadata } = parts
  const type = style.legacyMediaType ? LEGACY_METADATA_TYPE : METADATA_TYPE
  if (metadata === undefined) return { type: SDP_TYPE, text: ended(sdp ?? '', style) }
  const headers = [['Content-Disposition', METADATA_DISPOSITION]] as const
  if (sdp === undefined) return { type, text: ended(metadata, style), headers }
  const description = partOf({ type: SDP_TYPE, text: sdp, headers: [] })
  const data = partOf({ type, text: metadata, headers })
  // Nobody's text has it: it is random.
  const boundary = `recording-${randomBytes(BOUNDARY_BYTES).toString('hex')}`
  const inOrder = style.metadataFirst ? [data, description] : [description, data]
  const text = [...inOrder.map((part) => `--${boundary}${CRLF}${part}${CRLF}`), `--${boundary}--${CRLF}`].join('')
  return { type: `multipart/mixed;boundary=${boundary}`, text: ended(text, style), headers: [['MIME-Version', '1.0']] }
}

const partOf = ({ type, text, headers = [] }: SipBody): string =>
  [`Content-Type: ${type}`, ...headers.map(([name, value]) => `${name}: ${value}`), '', text].join(CRLF)

const ended = (text: string, { bareLineFeeds }: BodyStyle): string =>
  bareLineFeeds ? text.replaceAll(CRLF, '\n') : text
