import { randomUUID } from 'node:crypto'
import { headerOf, headersOf, type SipHeaders, type SipRequest, type SipResponse } from '../protocol/sip/message.ts'
import { answerChallenge, type Credentials } from './digest-answer.ts'
import type { Disagreement, SessionSide, SipBody } from './session-side.ts'
import type { LocalMedia } from './session-text.ts'
import { type DialogParts, sessionHeaders } from './sip-dialog.ts'
import { addressesOf, type LocalParty, makeRequest, newBranch, secondsOf, tagOf, viaOf } from './sip-text.ts'

/** How one session is asked for, whatever it is about. */
export interface InvitationOptions {
  readonly callId?: string
  readonly credentials?: Credentials
  /** Asks for a session timer (RFC 4028) of so many seconds. */
  readonly sessionExpiresSeconds?: number
  /** Whether it refreshes the session when that falls to it; true unless said. */
  readonly refreshes?: boolean
  readonly headers?: SipHeaders
  /** Gives up when nobody has answered; 10 s unless said. */
  readonly answerDeadlineMs?: number
  /** Cancels after this time, when it was not answered before. */
  readonly cancelAfterMs?: number
}

/** One plain call. */
export interface InviteOptions extends InvitationOptions {
  readonly media: LocalMedia
  /** Sends no offer: the 2xx has it, and the ACK our answer. */
  readonly hasLateOffer?: boolean
}

/** An INVITE through all its attempts: same Call-ID and From tag, rising CSeq. */
export class Invitation {
  readonly callId: string
  readonly provisional: number[] = []
  readonly #party: LocalParty
  readonly #uri: string
  readonly #options: InvitationOptions
  readonly #side: SessionSide<unknown>
  readonly #from: string
  readonly #to: string
  #expiresSeconds: number | undefined
  #authorization: readonly (readonly [string, string])[] = []
  #minSeconds: number | undefined
  cseq = 0
  isCancelled = false

  constructor(party: LocalParty, uri: string, options: InvitationOptions, side: SessionSide<unknown>) {
    this.callId = options.callId ?? randomUUID()
    this.#party = party
    this.#uri = uri
    this.#options = options
    this.#side = side
    this.#expiresSeconds = options.sessionExpiresSeconds
    const { from, to } = addressesOf(party, uri)
    this.#from = from
    this.#to = to
  }

  request(): SipRequest {
    this.cseq += 1
    return makeRequest({
      ...this.#parts(),
      method: 'INVITE',
      via: viaOf(this.#party, newBranch()),
      cseq: this.cseq,
      headers: [
        ...sessionHeaders(this.#party, this.#side.features),
        ...this.#side.firstHeaders(),
        ...(this.#expiresSeconds === undefined ? [] : [['Session-Expires', `${this.#expiresSeconds}`] as const]),
        ...(this.#minSeconds === undefined ? [] : [['Min-SE', `${this.#minSeconds}`] as const]),
        ...this.#authorization,
        ...(this.#options.headers ?? []),
      ],
      body: this.#side.first(),
    })
  }

  cancellation(invite: SipRequest): SipRequest {
    const via = headerOf(invite, 'Via') ?? ''
    return makeRequest({ ...this.#parts(), method: 'CANCEL', via, cseq: this.cseq })
  }

  /** Whether another attempt can do better after this response: with credentials, or with a longer session. */
  amend(response: SipResponse): boolean {
    const { status } = response
    const { credentials } = this.#options
    if ((status === 401 || status === 407) && credentials && this.#authorization.length === 0) {
      const [ask, reply] =
        status === 401 ? ['WWW-Authenticate', 'Authorization'] : ['Proxy-Authenticate', 'Proxy-Authorization']
      const challenges = headersOf(response, ask as string)
      const value = answerChallenge(challenges, { method: 'INVITE', uri: this.#uri }, credentials)
      if (value !== undefined) this.#authorization = [[reply as string, value]]
      return value !== undefined
    }
    const minSeconds = secondsOf(response, 'Min-SE')
    if (status !== 422 || minSeconds === undefined || this.#minSeconds !== undefined) return false
    this.#minSeconds = minSeconds
    this.#expiresSeconds = Math.max(minSeconds, this.#expiresSeconds ?? 0)
    return true
  }

  dialogOf(response: SipResponse): DialogParts {
    return {
      callId: this.callId,
      from: this.#from,
      cseq: this.cseq,
      response,
      refreshes: this.#options.refreshes ?? true,
    }
  }

  /** The body of the ACK to a 2xx, or why a strict caller does not agree to it. */
  agree(response: SipResponse): { readonly answer?: SipBody } | Disagreement {
    if (tagOf(response, 'To') === undefined) return { reason: 'The 2xx has no To tag.' }
    if (headerOf(response, 'Contact') === undefined) return { reason: 'The 2xx has no Contact.' }
    return this.#side.establish(response)
  }

  #parts() {
    return { uri: this.#uri, from: this.#from, to: this.#to, callId: this.callId }
  }
}
