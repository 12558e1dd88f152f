import { headersOf, type SipMessage, type SipRefusal } from './message.ts'
import { HEAD_BYTES_MAX, MESSAGE_BYTES_MAX, parseHead, type SipHead } from './parse-head.ts'

const LF = 10
const CR = 13
const LENGTH = /^\d{1,9}$/

/** Where a head ends, and where its body begins. */
export interface HeadEnd {
  readonly end: number
  readonly bodyStart: number
}

/** The first empty line from `from` on, lines ending with CRLF or LF; undefined when there is none yet. */
export const findHeadEnd = (bytes: Uint8Array, from: number): HeadEnd | undefined => {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return { end: at, bodyStart: at + 2 }
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return { end: at, bodyStart: at + 3 }
  }
  return undefined
}

/** The declared length of a body: undefined when nothing is said, `bad` when it is no number or two differ. */
export const declaredLength = (head: Pick<SipHead, 'headers'>): number | 'bad' | undefined => {
  const values = new Set(headersOf(head, 'Content-Length'))
  const [value] = values
  if (value === undefined) return undefined
  return values.size === 1 && LENGTH.test(value) ? Number(value) : 'bad'
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LATIN_1 = new TextDecoder('latin1')

/** Text of a head: UTF-8 (RFC 3261 §7), or else what old devices write instead, so that a display name can still be read. */
export const headText = (bytes: Uint8Array): string => {
  try {
    return UTF_8.decode(bytes)
  } catch {
    return LATIN_1.decode(bytes)
  }
}

/**
 * A datagram as a message. Tolerant in what it reads: bare line feeds, folded lines, compact names, no Content-Length, bytes behind the body (RFC 3261 §18.3).
 * Otherwise why it is none, and with which status it is to be answered.
 */
export const parseSipMessage = (bytes: Uint8Array): SipMessage | SipRefusal => {
  if (bytes.length > MESSAGE_BYTES_MAX) return refusal('the message is too large', 513)
  const start = skipLineEnds(bytes)
  const headEnd = findHeadEnd(bytes, start) ?? { end: bytes.length, bodyStart: bytes.length }
  if (headEnd.end - start > HEAD_BYTES_MAX) {
    const head = parseHead(headText(bytes.subarray(start, start + HEAD_BYTES_MAX)))
    const read = { headers: head.headers, method: head.kind === 'response' ? undefined : head.method }
    return { ...refusal('the header is too large', 513), ...read }
  }
  const head = parseHead(headText(bytes.subarray(start, headEnd.end)))
  return head.kind === 'refusal' ? head : withBody(head, bytes.subarray(headEnd.bodyStart))
}

/** A message of a head and the bytes behind it, as many as it declares, or all. */
const withBody = (head: SipHead, rest: Uint8Array): SipMessage | SipRefusal => {
  const declared = declaredLength(head)
  const read = { headers: head.headers, method: head.kind === 'request' ? head.method : undefined }
  if (declared === 'bad') return { ...refusal('the Content-Length is no length', 400), ...read }
  if (declared !== undefined && declared > rest.length) return { ...refusal('the body is cut off', 400), ...read }
  // A copy, also of a Buffer, whose slice is none: the datagram's memory is not the message's.
  return { ...head, body: new Uint8Array(rest.subarray(0, declared ?? rest.length)) }
}

/** Empty lines before a start line mean nothing (RFC 3261 §7.5); a carriage return alone is no line. */
const skipLineEnds = (bytes: Uint8Array): number => {
  let at = 0
  while (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) at += 1
  return at
}

const refusal = (reason: string, status: number): SipRefusal => ({
  kind: 'refusal',
  reason,
  status,
  headers: [],
  method: undefined,
})
