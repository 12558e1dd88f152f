/** Header fields in the order in which they came, names in their canonical long form (`Via`, `Call-ID`, never `v`, `i`), values unfolded and trimmed. */
export type SipHeaders = readonly (readonly [name: string, value: string])[]

/** A request as it came or is to go (RFC 3261 §7.1). */
export interface SipRequest {
  readonly kind: 'request'
  readonly method: string
  /** The Request-URI, as text. */
  readonly uri: string
  readonly headers: SipHeaders
  readonly body: Uint8Array
}

/** A response (RFC 3261 §7.2). */
export interface SipResponse {
  readonly kind: 'response'
  /** 100 to 699. */
  readonly status: number
  readonly reason: string
  readonly headers: SipHeaders
  readonly body: Uint8Array
}

export type SipMessage = SipRequest | SipResponse

/** Why bytes are no SIP message. `status` is what a request deserves in answer, when enough of it could be read to answer at all. */
export interface SipRefusal {
  readonly kind: 'refusal'
  /** One short sentence for the log; never holds the message's own text. */
  readonly reason: string
  readonly status: number
  /** What could be read of it: the headers that an answer must copy. */
  readonly headers: SipHeaders
  readonly method: string | undefined
}

/** The first value of a header field by its canonical name, or undefined. */
export const headerOf = (message: { readonly headers: SipHeaders }, name: string): string | undefined =>
  message.headers.find(([each]) => each === name)?.[1]

/** Every value of a header field by its canonical name, in order; comma-separated lists are not split. */
export const headersOf = (message: { readonly headers: SipHeaders }, name: string): readonly string[] =>
  message.headers.filter(([each]) => each === name).map(([, value]) => value)
