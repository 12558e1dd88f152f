import type { SipMessage, SipRefusal } from './message.ts'
import { HEAD_BYTES_MAX, MESSAGE_BYTES_MAX, parseHead, type SipHead } from './parse-head.ts'
import { declaredLength, findHeadEnd, type HeadEnd, headText } from './parse-message.ts'

/** What a stream brings. After a fatal refusal the stream cannot be read any further: nobody knows where the next message begins. */
export type SipFrame =
  | { readonly kind: 'message'; readonly message: SipMessage }
  | { readonly kind: 'refusal'; readonly refusal: SipRefusal; readonly isFatal: boolean }
  /** Two empty lines between messages: a keep-alive that wants an answer (RFC 5626 §4.4.1). */
  | { readonly kind: 'ping' }

const LF = 10
const CR = 13
const CAPACITY_FIRST = 4_096
const EMPTY = new Uint8Array(0)

/**
 * Cuts a TCP or TLS stream into messages by their Content-Length (RFC 3261 §18.3). Holds at most one message beside the chunk that it is given; every byte is
 * looked at a bounded number of times however small the chunks are.
 */
export class SipFramer {
  #buffer = new Uint8Array(CAPACITY_FIRST)
  #length = 0
  /** How far the search for the end of the head has come. */
  #searched = 0
  #head: { readonly head: SipHead; readonly end: HeadEnd; readonly bodyBytes: number } | undefined
  #isDead = false

  /** Bytes of a message that is not complete yet. */
  get bufferedBytes(): number {
    return this.#length
  }

  /** The frames that are complete with these bytes. After a fatal one there are no more. */
  append(chunk: Uint8Array): readonly SipFrame[] {
    const frames: SipFrame[] = []
    let rest = chunk
    // A chunk may bring many messages: no more than one at a time is taken in.
    while (!this.#isDead && (rest.length > 0 || frames.length === 0)) {
      const room = MESSAGE_BYTES_MAX + HEAD_BYTES_MAX - this.#length
      this.#take(rest.subarray(0, room))
      rest = rest.subarray(Math.min(room, rest.length))
      const before = this.#length
      for (let frame = this.#next(); frame; frame = this.#isDead ? undefined : this.#next()) frames.push(frame)
      if (rest.length === 0 || this.#length === before) break
    }
    return frames
  }

  #take(bytes: Uint8Array): void {
    const wanted = this.#length + bytes.length
    if (wanted > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(wanted, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(bytes, this.#length)
    this.#length = wanted
  }

  #next(): SipFrame | undefined {
    if (!this.#head) {
      const blank = this.#skipBlank()
      if (blank) return blank
      const found = this.#findHead()
      if (found) return found
    }
    if (!this.#head) return undefined
    const { head, end, bodyBytes } = this.#head
    if (this.#length < end.bodyStart + bodyBytes) return undefined
    const body = this.#buffer.slice(end.bodyStart, end.bodyStart + bodyBytes)
    this.#drop(end.bodyStart + bodyBytes)
    return { kind: 'message', message: { ...head, body } }
  }

  /** Line ends before a message: two in a row are a ping, one means nothing. */
  #skipBlank(): SipFrame | undefined {
    const bytes = this.#buffer
    while (this.#length >= 1 && bytes[0] === LF) this.#drop(1)
    if (this.#length < 2 || bytes[0] !== CR || bytes[1] !== LF) return undefined
    if (this.#length >= 4 && bytes[2] === CR && bytes[3] === LF) {
      this.#drop(4)
      return { kind: 'ping' }
    }
    // One line end alone may be the first half of a ping.
    if (this.#length === 2 || (this.#length === 3 && bytes[2] === CR)) return undefined
    this.#drop(2)
    return this.#skipBlank()
  }

  /** Looks for the end of the head; gives a frame only when the head is refused. */
  #findHead(): SipFrame | undefined {
    const bytes = this.#buffer.subarray(0, this.#length)
    if (bytes.length > 0 && (bytes[0] === CR || bytes[0] === LF)) return undefined
    const end = findHeadEnd(bytes, Math.max(0, this.#searched - 3))
    this.#searched = bytes.length
    if (!end) return bytes.length > HEAD_BYTES_MAX ? this.#die(TOO_LARGE) : undefined
    if (end.end > HEAD_BYTES_MAX) return this.#die(TOO_LARGE)
    const head = parseHead(headText(bytes.subarray(0, end.end)))
    if (head.kind === 'refusal') return this.#skipRefused(head, end)
    const declared = declaredLength(head) ?? 0
    if (declared === 'bad')
      return this.#die({ ...TOO_LARGE, ...read(head), reason: 'the Content-Length is no length', status: 400 })
    if (declared > MESSAGE_BYTES_MAX) return this.#die({ ...TOO_LARGE, ...read(head) })
    this.#head = { head, end, bodyBytes: declared }
    return undefined
  }

  /** A head that is no SIP: the stream goes on behind it when it says how long its body is. */
  #skipRefused(refusal: SipRefusal, end: HeadEnd): SipFrame {
    const declared = declaredLength(refusal)
    if (typeof declared !== 'number' || this.#length < end.bodyStart + declared) return this.#die(refusal)
    this.#drop(end.bodyStart + declared)
    return { kind: 'refusal', refusal, isFatal: false }
  }

  #die(refusal: SipRefusal): SipFrame {
    this.#isDead = true
    this.#buffer = EMPTY
    this.#length = 0
    return { kind: 'refusal', refusal, isFatal: true }
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length)
    this.#length -= count
    this.#searched = 0
    this.#head = undefined
  }
}

const read = (head: SipHead) => ({ headers: head.headers, method: head.kind === 'request' ? head.method : undefined })

const TOO_LARGE: SipRefusal = {
  kind: 'refusal',
  reason: 'the message is too large',
  status: 513,
  headers: [],
  method: undefined,
}
