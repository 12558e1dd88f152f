import { parseContentType } from './content-type.ts'
import { canonicalName } from './header-names.ts'
import type { SipHeaders } from './message.ts'
import { isToken } from './parameters.ts'

/** One part of a multipart body; its header fields have canonical names. */
export interface BodyPart {
  readonly headers: SipHeaders
  readonly body: Uint8Array
}

/** Why a body is no multipart. */
export interface MultipartRefusal {
  readonly reason: string
}

export const PARTS_MAX = 16
const NESTING_MAX = 2
const HEADERS_MAX = 32
const BOUNDARY_CHARACTERS_MAX = 70
const LF = 10
const CR = 13
const DASH = 45
const TEXT = new TextDecoder()

/**
 * The parts of a multipart body (RFC 2046 §5.1), those of a nested multipart in its place, two levels deep at most. Lines may end with bare line feeds; the last
 * boundary may be missing. Bytes before the first and behind the last are left out.
 */
export const parseMultipart = (
  body: Uint8Array,
  contentType: string,
  depth = 1,
): readonly BodyPart[] | MultipartRefusal => {
  const boundary = parseContentType(contentType)?.parameters.get('boundary')
  if (!boundary || boundary.length > BOUNDARY_CHARACTERS_MAX) return { reason: 'no boundary' }
  if (depth > NESTING_MAX) return { reason: 'nested too deeply' }
  const pieces = cutAtBoundaries(body, new TextEncoder().encode(`--${boundary}`))
  if (pieces.length === 0) return { reason: 'the boundary does not occur' }
  if (pieces.length > PARTS_MAX) return { reason: 'too many parts' }
  const parts: BodyPart[] = []
  for (const piece of pieces) {
    const part = parsePart(piece)
    if (!part) return { reason: 'a part has no header' }
    const type = part.headers.find(([name]) => name === 'Content-Type')?.[1]
    const nested =
      type !== undefined && /^multipart\//i.test(type) ? parseMultipart(part.body, type, depth + 1) : [part]
    if (!Array.isArray(nested)) return nested as MultipartRefusal
    parts.push(...nested)
    if (parts.length > PARTS_MAX) return { reason: 'too many parts' }
  }
  return parts
}

/** What stands between boundary lines, without the line end that belongs to the boundary. */
const cutAtBoundaries = (body: Uint8Array, delimiter: Uint8Array): readonly Uint8Array[] => {
  const pieces: Uint8Array[] = []
  let from: number | undefined
  for (let line = 0; line < body.length && pieces.length <= PARTS_MAX; ) {
    const lineEnd = body.indexOf(LF, line)
    const next = lineEnd < 0 ? body.length : lineEnd + 1
    const kind = boundaryAt(body, line, next, delimiter)
    if (kind !== undefined) {
      if (from !== undefined) pieces.push(body.subarray(from, beforeLineEnd(body, from, line)))
      if (kind === 'last') return pieces
      from = next
    }
    line = next
  }
  if (from !== undefined && from < body.length) pieces.push(body.subarray(from))
  return pieces
}

/** What boundary a line is, if any: nothing but white space may stand behind it, since one boundary may begin with another. */
const boundaryAt = (
  body: Uint8Array,
  line: number,
  next: number,
  delimiter: Uint8Array,
): 'last' | 'other' | undefined => {
  if (line + delimiter.length > next || !delimiter.every((byte, index) => body[line + index] === byte)) return undefined
  const end = line + delimiter.length
  const isLast = body[end] === DASH && body[end + 1] === DASH
  const padding = body.subarray(isLast ? end + 2 : end, next)
  if (!padding.every(isBlank)) return undefined
  return isLast ? 'last' : 'other'
}

const isBlank = (byte: number): boolean => byte === 32 || byte === 9 || byte === CR || byte === LF

const beforeLineEnd = (body: Uint8Array, from: number, line: number): number => {
  let end = line
  if (end > from && body[end - 1] === LF) end -= 1
  if (end > from && body[end - 1] === CR) end -= 1
  return end
}

const parsePart = (bytes: Uint8Array): BodyPart | undefined => {
  const headers: [name: string, value: string][] = []
  for (let line = 0; line < bytes.length; ) {
    const lineEnd = bytes.indexOf(LF, line)
    const end = lineEnd < 0 ? bytes.length : lineEnd
    const text = TEXT.decode(bytes.subarray(line, end)).replace(/\r$/, '')
    line = lineEnd < 0 ? bytes.length : lineEnd + 1
    if (text === '') return { headers, body: new Uint8Array(bytes.subarray(line)) }
    const last = headers.at(-1)
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(0, colon)).trim()
    if (/^[ \t]/.test(text) && last) last[1] = `${last[1]} ${text.trim()}`
    else if (isToken(name) && headers.length < HEADERS_MAX)
      headers.push([canonicalName(name), text.slice(colon + 1).trim()])
    else return undefined
  }
  return headers.length === 0 ? undefined : { headers, body: new Uint8Array(0) }
}
