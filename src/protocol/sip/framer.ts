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
const CAPACITY_FIRST_BYTES = 4_096
/** A larger buffer is given back as soon as it is empty: most connections are idle most of the time. */
const CAPACITY_KEPT_BYTES = 16_384
/** The longest head, the empty line behind it and the longest body. */
const HELD_BYTES_MAX = HEAD_BYTES_MAX + 4 + MESSAGE_BYTES_MAX
const EMPTY = new Uint8Array(0)

/**
 * Cuts a TCP or TLS stream into messages by their Content-Length (RFC 3261 §18.3). Holds at most one message beside the chunk that it is given; every byte is
 * looked at and moved a bounded number of times, however small the chunks and however many the messages in one.
 */
export class SipFramer {
  #buffer = new Uint8Array(CAPACITY_FIRST_BYTES)
  /** What is held: from here … */
  #start = 0
  /** … to here. */
  #end = 0
  /** How far behind the start the search for the end of the head has come. */
  #searched = 0
  #head: { readonly head: SipHead; readonly end: HeadEnd; readonly bodyBytes: number } | undefined
  /** Bytes of a refused message's body that are still to come and to be left out. */
  #ignoredBytes = 0
  #isDead = false

  /** Bytes of a message that is not complete yet. */
  get bufferedBytes(): number {
    return this.#end - this.#start
  }

  /** The frames that are complete with these bytes. After a fatal one there are no more. */
  append(chunk: Uint8Array): readonly SipFrame[] {
    const frames: SipFrame[] = []
    let rest = chunk
    // A chunk may bring many messages: no more than there is room for is taken in at a time.
    while (!this.#isDead) {
      const taken = rest.subarray(0, HELD_BYTES_MAX - this.bufferedBytes)
      this.#take(taken)
      rest = rest.subarray(taken.length)
      for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
      if (rest.length === 0 || taken.length === 0) break
    }
    return frames
  }

  #take(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(this.bufferedBytes + bytes.length)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** Moves what is held to the front of a buffer with room for `length` bytes; larger buffers double, so that they are few. */
  #makeRoom(length: number): void {
    const held = this.#held()
    if (length > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.min(HELD_BYTES_MAX, Math.max(length, this.#buffer.length * 2)))
    }
    this.#buffer.set(held)
    this.#start = 0
    this.#end = held.length
  }

  #next(): SipFrame | undefined {
    this.#ignore()
    const frame = this.#head ? undefined : (this.#skipBlank() ?? this.#findHead())
    if (frame || !this.#head) return frame
    const { head, end, bodyBytes } = this.#head
    const length = end.bodyStart + bodyBytes
    if (this.bufferedBytes < length) return undefined
    const body = this.#held().slice(end.bodyStart, length)
    this.#drop(length)
    return { kind: 'message', message: { ...head, body } }
  }

  #ignore(): void {
    const count = Math.min(this.#ignoredBytes, this.bufferedBytes)
    this.#ignoredBytes -= count
    if (count > 0) this.#drop(count)
  }

  /** Line ends before a message: two in a row are a ping, one means nothing. */
  #skipBlank(): SipFrame | undefined {
    for (;;) {
      const [first, second, third, fourth] = this.#held()
      if (first === LF) this.#drop(1)
      else if (first !== CR || second !== LF) return undefined
      else if (third === CR && fourth === LF) {
        this.#drop(4)
        return { kind: 'ping' }
      }
      // One line end alone may be the first half of a ping.
      else if (third === undefined || (third === CR && fourth === undefined)) return undefined
      else this.#drop(2)
    }
  }

  /** Looks for the end of the head; gives a frame only when the head is refused. */
  #findHead(): SipFrame | undefined {
    const bytes = this.#held()
    const mayBeBlank = bytes[0] === CR && (bytes[1] === LF || bytes[1] === undefined)
    if (bytes.length === 0 || mayBeBlank) return undefined
    const end = findHeadEnd(bytes, Math.max(0, this.#searched - 3))
    this.#searched = bytes.length
    if ((end?.end ?? bytes.length) > HEAD_BYTES_MAX) return this.#die(tooLarge(bytes))
    if (!end) return undefined
    const head = parseHead(headText(bytes.subarray(0, end.end)))
    const declared = declaredLength(head)
    if (head.kind === 'refusal') return this.#skipRefused(head, end, declared)
    if (declared === 'bad')
      return this.#die({ ...TOO_LARGE, ...read(head), reason: 'the Content-Length is no length', status: 400 })
    const bodyBytes = declared ?? 0
    if (bodyBytes > MESSAGE_BYTES_MAX) return this.#die({ ...TOO_LARGE, ...read(head) })
    this.#head = { head, end, bodyBytes }
    return undefined
  }

  /** A head that is no SIP: the stream goes on behind it when it says how long its body is. */
  #skipRefused(refusal: SipRefusal, end: HeadEnd, declared: number | 'bad' | undefined): SipFrame {
    if (typeof declared !== 'number' || declared > MESSAGE_BYTES_MAX) return this.#die(refusal)
    this.#drop(end.bodyStart)
    this.#ignoredBytes = declared
    return { kind: 'refusal', refusal, isFatal: false }
  }

  #die(refusal: SipRefusal): SipFrame {
    this.#isDead = true
    this.#buffer = EMPTY
    this.#start = 0
    this.#end = 0
    return { kind: 'refusal', refusal, isFatal: true }
  }

  #held(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end)
  }

  #drop(count: number): void {
    this.#start += count
    if (this.#start === this.#end) {
      this.#start = 0
      this.#end = 0
      if (this.#buffer.length > CAPACITY_KEPT_BYTES) this.#buffer = new Uint8Array(CAPACITY_FIRST_BYTES)
    }
    this.#searched = 0
    this.#head = undefined
  }
}

const read = (head: SipHead) => ({ headers: head.headers, method: head.kind === 'request' ? head.method : undefined })

/** What the beginning of a head tells: where an answer goes. */
const tooLarge = (bytes: Uint8Array): SipRefusal => {
  const head = parseHead(headText(bytes.subarray(0, HEAD_BYTES_MAX)))
  return { ...TOO_LARGE, headers: head.headers, method: head.kind === 'response' ? undefined : head.method }
}

const TOO_LARGE: SipRefusal = {
  kind: 'refusal',
  reason: 'the message is too large',
  status: 513,
  headers: [],
  method: undefined,
}
