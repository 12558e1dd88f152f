import type { SipMessage } from '../protocol/sip/message.ts'

// What a caller writes and reads on the wire. On purpose not the server's own grammar, and strict where that one is tolerant: a mistake there must not hide itself.

/** Why bytes are no message that a strict caller takes. */
export interface Garbled {
  readonly kind: 'garbled'
  readonly reason: string
}

const MESSAGE_MAX_BYTES = 65_536
const HEADERS_MAX = 200
const END_OF_HEADERS = '\r\n\r\n'
const REQUEST_LINE = /^([A-Z]+) (\S+) SIP\/2\.0$/
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d) ([^\r\n]*)$/
/** Long names as the standards write them; a short form or other letters are no mistake, but nothing that our server should send. */
const HEADER_LINE = /^([A-Z][A-Za-z-]+): (\S(?:.*\S)?)?$/

/** A message as it goes out: CRLF, and a Content-Length that is right. */
export const formatMessage = (message: SipMessage): Buffer => {
  const first =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`
  const lines = [
    first,
    ...message.headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${message.body.length}`,
  ]
  return Buffer.concat([Buffer.from(lines.join('\r\n') + END_OF_HEADERS), message.body])
}

/** The message of a whole datagram. */
export const parseDatagram = (bytes: Uint8Array): SipMessage | Garbled => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = buffer.indexOf(END_OF_HEADERS)
  if (end < 0) return garbled('It has no empty line.')
  const head = parseHead(buffer.toString('utf8', 0, end))
  if (head.kind === 'garbled') return head
  const body = buffer.subarray(end + END_OF_HEADERS.length)
  if (head.contentLength !== body.length)
    return garbled(`Content-Length is ${head.contentLength}, the body ${body.length} bytes.`)
  return { ...head.message, body: Uint8Array.from(body) }
}

type Head =
  | { readonly kind: 'head'; readonly message: SipMessage; readonly contentLength: number | undefined }
  | Garbled

const garbled = (reason: string): Garbled => ({ kind: 'garbled', reason })

const parseHead = (text: string): Head => {
  const [first = '', ...lines] = text.split('\r\n')
  if (lines.length > HEADERS_MAX) return garbled('It has too many header fields.')
  const headers: [string, string][] = []
  for (const line of lines) {
    const [, name, value = ''] = HEADER_LINE.exec(line) ?? []
    if (name === undefined) return garbled('A header line is no "Name: value".')
    headers.push([name, value])
  }
  const length = headers.find(([name]) => name === 'Content-Length')?.[1]
  const contentLength = length !== undefined && /^\d{1,5}$/.test(length) ? Number(length) : undefined
  const body = new Uint8Array()
  const [, method, uri] = REQUEST_LINE.exec(first) ?? []
  if (method !== undefined && uri !== undefined) {
    return { kind: 'head', message: { kind: 'request', method, uri, headers, body }, contentLength }
  }
  const [, status, reason = ''] = STATUS_LINE.exec(first) ?? []
  if (status === undefined) return garbled('Its first line is neither that of a request nor of a response.')
  return { kind: 'head', message: { kind: 'response', status: Number(status), reason, headers, body }, contentLength }
}

/** Takes a stream apart into messages by their Content-Length (RFC 3261 §18.3). After a garbled one nothing more can be told apart. */
export class MessageSplitter {
  #buffer = Buffer.alloc(0)

  append(chunk: Uint8Array): readonly (SipMessage | Garbled)[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    const found: (SipMessage | Garbled)[] = []
    for (let next = this.#take(); next; next = this.#take()) {
      found.push(next)
      if (next.kind === 'garbled') break
    }
    return found
  }

  #take(): SipMessage | Garbled | undefined {
    // A pong or a ping (RFC 5626 §4.4.1).
    while (this.#buffer.length >= 2 && this.#buffer[0] === 13 && this.#buffer[1] === 10)
      this.#buffer = this.#buffer.subarray(2)
    const end = this.#buffer.indexOf(END_OF_HEADERS)
    if (end < 0) return this.#buffer.length > MESSAGE_MAX_BYTES ? this.#giveUp('It is too long.') : undefined
    const head = parseHead(this.#buffer.toString('utf8', 0, end))
    if (head.kind === 'garbled') return this.#giveUp(head.reason)
    if (head.contentLength === undefined) return this.#giveUp('It has no Content-Length on a stream.')
    const from = end + END_OF_HEADERS.length
    if (this.#buffer.length < from + head.contentLength) return undefined
    const body = Uint8Array.from(this.#buffer.subarray(from, from + head.contentLength))
    this.#buffer = this.#buffer.subarray(from + head.contentLength)
    return { ...head.message, body }
  }

  #giveUp(reason: string): Garbled {
    this.#buffer = Buffer.alloc(0)
    return garbled(reason)
  }
}
