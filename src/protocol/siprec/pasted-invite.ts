import type { SipRequest } from '../sip/message.ts'
import { MESSAGE_BYTES_MAX, parseHead } from '../sip/parse-head.ts'
import { declaredLength, findHeadEnd, headText } from '../sip/parse-message.ts'

/** Whether the body is as long as Content-Length says; `line-ends`: it would be, had pasting not taken its carriage returns away. */
export type LengthVerdict = 'right' | 'line-ends' | 'short' | 'long' | 'unsaid' | 'unreadable'

/** An INVITE as somebody has captured and pasted it. */
export interface PastedInvite {
  /** With all of the body that there is. */
  readonly request: SipRequest
  readonly byteSize: number
  readonly lineEnds: 'CRLF' | 'LF' | 'mixed'
  readonly length: {
    readonly verdict: LengthVerdict
    readonly declaredBytes: number | undefined
    readonly foundBytes: number
  }
}

/** Why a text is no INVITE that could be explained. */
export interface NoInvite {
  /** One short sentence without its full stop. */
  readonly reason: string
}

const LF = 10
const CR = 13
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
/** A line end at the very end of what was copied is often lost. */
const LAST_LINE_END_BYTES = 2

/** Reads an INVITE more tolerantly than the server does: what pasting does to a message is repaired, and told of. Says why when it is none, or has no body. */
export const readPastedInvite = (bytes: Uint8Array): PastedInvite | NoInvite => {
  const start = startOf(bytes)
  if (start === bytes.length) return { reason: 'it is empty' }
  if (bytes.length - start > MESSAGE_BYTES_MAX)
    return { reason: `it is longer than ${MESSAGE_BYTES_MAX} bytes, which no message may be` }
  const headEnd = findHeadEnd(bytes, start)
  const head = parseHead(headText(bytes.subarray(start, headEnd?.end)))
  if (head.kind === 'refusal') return { reason: `it is no SIP message: ${head.reason}` }
  if (head.kind === 'response') return { reason: `it is a response (${head.status}), not an INVITE` }
  if (head.method !== 'INVITE') return { reason: `it is ${head.method}, not INVITE` }
  const rest = bytes.subarray(headEnd?.bodyStart ?? bytes.length)
  if (rest.every(isBlank)) return { reason: 'the INVITE has no body, so that there is nothing to explain' }
  const { body, length } = cutBody(rest, declaredLength(head))
  return { request: { ...head, body }, byteSize: bytes.length - start, lineEnds: lineEndsOf(bytes), length }
}

/** Behind a byte order mark and empty lines. */
const startOf = (bytes: Uint8Array): number => {
  let at = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? BYTE_ORDER_MARK.length : 0
  while (at < bytes.length && isBlank(bytes[at] ?? 0)) at += 1
  return at
}

const isBlank = (byte: number): boolean => byte === 32 || byte === 9 || byte === CR || byte === LF

const cutBody = (rest: Uint8Array, declared: number | 'bad' | undefined): Pick<PastedInvite, 'length'> & Body => {
  const verdictOf = (verdict: LengthVerdict, body = rest): Pick<PastedInvite, 'length'> & Body => ({
    body: new Uint8Array(body),
    length: { verdict, declaredBytes: typeof declared === 'number' ? declared : undefined, foundBytes: rest.length },
  })
  if (declared === 'bad') return verdictOf('unreadable')
  if (declared === undefined) return verdictOf('unsaid')
  if (declared > rest.length) return verdictOf(declared - rest.length <= lostBytes(rest) ? 'line-ends' : 'short')
  return verdictOf(rest.subarray(declared).every(isBlank) ? 'right' : 'long', rest.subarray(0, declared))
}

interface Body {
  readonly body: Uint8Array
}

/** How many bytes line ends may have lost on the way. */
const lostBytes = (rest: Uint8Array): number =>
  rest.filter((byte, at) => byte === LF && rest[at - 1] !== CR).length + LAST_LINE_END_BYTES

const lineEndsOf = (bytes: Uint8Array): PastedInvite['lineEnds'] => {
  const all = bytes.filter((byte) => byte === LF).length
  const bare = bytes.filter((byte, at) => byte === LF && bytes[at - 1] !== CR).length
  if (bare === 0) return 'CRLF'
  return bare === all ? 'LF' : 'mixed'
}
