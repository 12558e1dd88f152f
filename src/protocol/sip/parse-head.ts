import { canonicalName } from './header-names.ts'
import type { SipHeaders, SipRefusal } from './message.ts'
import { isToken } from './parameters.ts'

/** Bounds of what is read. Beyond those of bytes a request is answered with 513, beyond those of fields with 413, with too long a first line with 414. */
export const MESSAGE_BYTES_MAX = 65_536
export const HEAD_BYTES_MAX = 32_768
export const HEADERS_MAX = 200
export const LINE_CHARACTERS_MAX = 8_192
const METHOD_CHARACTERS_MAX = 64

/** Start line and header fields. */
export type SipHead =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string; readonly headers: SipHeaders }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string; readonly headers: SipHeaders }

const REQUEST_LINE = /^(\S+)[ \t]+(\S(?:.*\S)?)[ \t]+SIP\/2\.0[ \t]*$/i
const OTHER_VERSION = /^(\S+)[ \t]+\S.*[ \t]SIP\/\d+\.\d+[ \t]*$/i
const STATUS_LINE = /^SIP\/2\.0[ \t]+([1-6]\d\d)(?:[ \t]+(.*))?$/i

/**
 * The head of a message from its text, which ends before the empty line. Lines end with CRLF or bare LF; folded lines are joined (RFC 3261 §7.3.1). Gives what
 * could be read with the refusal, so that a request gets its answer.
 */
export const parseHead = (text: string): SipHead | SipRefusal => {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  const [startLine = ''] = lines
  const method = methodOf(startLine)
  const parsed = parseHeaders(lines.slice(1))
  const refuse = (reason: string, status: number): SipRefusal => ({
    kind: 'refusal',
    reason,
    status,
    headers: parsed.headers,
    method,
  })
  if (startLine.length > LINE_CHARACTERS_MAX) return refuse('the first line is too long', 414)
  if (parsed.fault) return refuse(parsed.fault.reason, parsed.fault.status)
  return parseStartLine(startLine, parsed.headers) ?? refuse(...faultOf(startLine))
}

const parseStartLine = (line: string, headers: SipHeaders): SipHead | undefined => {
  const [, code, reason = ''] = STATUS_LINE.exec(line) ?? []
  if (code !== undefined) return { kind: 'response', status: Number(code), reason: reason.trim(), headers }
  const [, method = '', uri = ''] = REQUEST_LINE.exec(line) ?? []
  // A Request-URI has no spaces and no angle brackets (RFC 3261 §7.1, RFC 4475 §3.1.2.7, §3.1.2.8).
  if (!isToken(method) || method.length > METHOD_CHARACTERS_MAX || /[\s<>]/.test(uri) || uri === '') return undefined
  return { kind: 'request', method, uri, headers }
}

const faultOf = (line: string): [reason: string, status: number] =>
  OTHER_VERSION.test(line) && !REQUEST_LINE.test(line) ? ['another version of SIP', 505] : ['no SIP start line', 400]

/** The method that a line seems to begin with; a response has none. */
const methodOf = (line: string): string | undefined => {
  const [word = ''] = line.slice(0, METHOD_CHARACTERS_MAX + 1).split(/[ \t]/, 1)
  return isToken(word) && !/^SIP\//i.test(line) && /SIP\/\d/i.test(line.slice(-16)) ? word : undefined
}

interface ParsedHeaders {
  readonly headers: SipHeaders
  readonly fault?: { readonly reason: string; readonly status: number }
}

const parseHeaders = (lines: readonly string[]): ParsedHeaders => {
  const headers: [name: string, value: string][] = []
  for (const line of unfold(lines)) {
    if (line === '') continue
    if (line.length > LINE_CHARACTERS_MAX)
      return { headers, fault: { reason: 'a header field is too long', status: 413 } }
    if (headers.length >= HEADERS_MAX) return { headers, fault: { reason: 'too many header fields', status: 413 } }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim()
    if (!isToken(name)) return { headers, fault: { reason: 'a line is no header field', status: 400 } }
    headers.push([canonicalName(name), line.slice(colon + 1).trim()])
  }
  return { headers }
}

/** Lines, the folded ones joined to those that they go on with. Every piece is copied once, however many there are. */
const unfold = (lines: readonly string[]): readonly string[] => {
  const fields: string[][] = []
  for (const line of lines) {
    const open = fields.at(-1)
    if (!open || !/^[ \t]/.test(line)) fields.push([line])
    else if (line.trim() !== '') open.push(line.trim())
  }
  return fields.map((pieces) => pieces.join(' '))
}
