import type { SipHeaders, SipRequest, SipResponse } from '../protocol/sip/message.ts'

/** A body with its type, and header fields that go with it. */
export interface SipBody {
  readonly type: string
  readonly text: string
  readonly headers?: SipHeaders
}

/** A request that was answered; without a status it is 200. */
export interface SideAnswer {
  readonly status?: number
  readonly reason?: string
  readonly body?: SipBody
  /** Goes on from here once the answer is out. */
  readonly afterwards?: () => void
}

/** Why a strict caller does not agree. */
export interface Disagreement {
  readonly reason: string
}

/** Our side of a session: what it describes, and what it makes of the other side. One dialog has one; `Remote` is what the other side's descriptions say. */
export interface SessionSide<Remote> {
  /** Feature tags of our Contact, such as `+sip.src`. */
  readonly features?: string
  /** The body of the INVITE; undefined: the offer is theirs. */
  first(): SipBody | undefined
  /** Header fields of the INVITE, beside those that every one has. */
  firstHeaders(): SipHeaders
  /** What the 2xx to the INVITE comes to: the body of the ACK when the offer was theirs. */
  establish(response: SipResponse): { readonly answer?: SipBody } | Disagreement
  /** Our description as it is now, in its next version. */
  next(): SipBody
  /** What the 2xx to something later says; undefined when it says nothing. */
  judge(response: SipResponse): { readonly remote: Remote | undefined } | Disagreement
  /** How a request is answered that begins or changes a session; undefined: like any other. */
  answer(request: SipRequest): SideAnswer | undefined
}
