import {
  headerOf,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../protocol/sip/message.ts'
import type { SessionSide, SideAnswer, SipBody } from './session-side.ts'
import {
  contactOf,
  cseqOf,
  type LocalParty,
  makeRequest,
  makeResponse,
  newBranch,
  routesOf,
  secondsOf,
  tagOf,
  uriIn,
  viaOf,
} from './sip-text.ts'
import type { FinalAnswer, TransactionOptions } from './sip-transactions.ts'

/** What a dialog needs of the caller that began it. */
export interface DialogLink {
  readonly party: LocalParty
  run(request: SipRequest, options?: TransactionOptions): Promise<FinalAnswer>
  send(message: SipMessage): void
  /** The dialog is over. */
  forget(callId: string): void
}

/** The parts of a dialog that its INVITE and the 2xx to it made (RFC 3261 §12.1.2). */
export interface DialogParts {
  readonly callId: string
  readonly from: string
  readonly cseq: number
  readonly response: SipResponse
  /** Refreshes the session when that falls to us (RFC 4028); else nobody does. */
  readonly refreshes: boolean
}

/** How a change of a running session ended. */
export type ModifyOutcome<Remote> =
  | { readonly kind: 'agreed'; readonly remote: Remote | undefined; readonly response: SipResponse }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** The answer breaks the rules; the reason says how. */
  | { readonly kind: 'wrong-answer'; readonly reason: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'lost'; readonly reason: string }

/** Who ended a call. `lost`: the connection went, or the other side no longer knew the call. */
export interface CallEnd {
  readonly by: 'us' | 'them' | 'lost'
  /** Of a BYE that came, its Reason header field; else what was lost. */
  readonly reason?: string
}

/** A request within a dialog. */
export interface RequestParts {
  readonly headers?: SipHeaders
  readonly body?: SipBody
}

const ALLOW = 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO'
const MS_PER_SECOND = 1000
/** RFC 4028 §10: half way. */
const REFRESH_PART = 2

/** Header fields of every request of ours that begins or changes a session; the features are those of its Contact. */
export const sessionHeaders = (party: LocalParty, features?: string): SipHeaders => [
  ['Contact', `${contactOf(party)}${features === undefined ? '' : `;${features}`}`],
  ['Allow', ALLOW],
  ['Supported', 'timer'],
]

/** A dialog of ours, from the 2xx to the BYE. */
export class SipDialog<Remote> {
  readonly callId: string
  readonly #link: DialogLink
  readonly #side: SessionSide<Remote>
  readonly #from: string
  readonly #to: string
  readonly #target: string
  readonly #routes: readonly string[]
  readonly #refreshes: boolean
  readonly #canUpdate: boolean
  readonly #ended = Promise.withResolvers<CallEnd>()
  /** The ACK of the latest INVITE. */
  #ack: { readonly cseq: number; readonly request: SipRequest } | undefined
  #cseq: number
  #remoteCseq = 0
  #invitesPending = 0
  #refreshTimer: NodeJS.Timeout | undefined
  #isOver = false
  /** Session refreshes of ours that were answered with success. */
  refreshCount = 0

  constructor(link: DialogLink, parts: DialogParts, side: SessionSide<Remote>) {
    const { response } = parts
    this.#link = link
    this.#side = side
    this.callId = parts.callId
    this.#from = parts.from
    this.#cseq = parts.cseq
    this.#to = headerOf(response, 'To') ?? ''
    this.#target = uriIn(headerOf(response, 'Contact')) ?? ''
    this.#routes = routesOf(response)
    this.#canUpdate = /\bUPDATE\b/.test(headerOf(response, 'Allow') ?? '')
    this.#refreshes = parts.refreshes
    this.#planRefresh(response)
  }

  /** The tag of the other side. */
  get remoteTag(): string | undefined {
    return /;\s*tag=([^;,\s]+)/i.exec(this.#to)?.[1]
  }

  /** Resolves when the dialog is over, whoever ended it. */
  get ended(): Promise<CallEnd> {
    return this.#ended.promise
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Acknowledges the 2xx to the INVITE of this number, with our answer when the offer was theirs; again when the 2xx comes again. */
  acknowledge(cseq: number, answer?: SipBody): void {
    if (this.#ack?.cseq !== cseq) {
      this.#ack = { cseq, request: this.#request('ACK', cseq, answer === undefined ? {} : { body: answer }) }
    }
    this.#link.send(this.#ack.request)
  }

  /** A re-INVITE with our session as it is: a refresh. */
  refresh(headers: SipHeaders = []): Promise<ModifyOutcome<Remote>> {
    return this.reinvite({ headers })
  }

  /** A re-INVITE: with our session as it is now unless said. */
  async reinvite({ headers = [], body = this.#side.next() }: RequestParts = {}): Promise<ModifyOutcome<Remote>> {
    const cseq = this.#cseq + 1
    this.#invitesPending += 1
    const answer = await this.#run('INVITE', { headers: [...this.#sessionHeaders(), ...headers], body })
    this.#invitesPending -= 1
    if (answer.kind === 'response' && answer.response.status < 300) this.acknowledge(cseq)
    return this.#outcomeOf(answer)
  }

  /** An UPDATE (RFC 3311), with our session description in its next version, another body, or none. */
  async update(parts: RequestParts & { readonly withSession?: boolean } = {}): Promise<ModifyOutcome<Remote>> {
    const body = parts.withSession ? this.#side.next() : parts.body
    const headers = [...this.#sessionHeaders(), ...(parts.headers ?? [])]
    return this.#outcomeOf(await this.#run('UPDATE', { headers, ...(body && { body }) }))
  }

  /** Any other request within the dialog: OPTIONS, INFO, or one that the other side should refuse. */
  request(method: string, parts: RequestParts = {}): Promise<FinalAnswer> {
    return this.#run(method, parts)
  }

  /** Hangs up; resolves with the answer to the BYE. The dialog is over from now on. */
  bye(): Promise<FinalAnswer> {
    const answer = this.#run('BYE', {})
    this.end({ by: 'us' })
    return answer
  }

  /** The dialog is over for this side; nothing more is sent by itself. */
  end(end: CallEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#refreshTimer)
    this.#link.forget(this.callId)
    this.#ended.resolve(end)
  }

  /** Answers a request of the other side within this dialog. `afterwards` is to be called when the answer is out. */
  answer(request: SipRequest): { readonly response: SipResponse; readonly afterwards?: (() => void) | undefined } {
    const number = cseqOf(request)?.number ?? 0
    if (number <= this.#remoteCseq) return { response: makeResponse(request, 500, 'CSeq Out Of Order') }
    this.#remoteCseq = number
    if (request.method === 'BYE') {
      const reason = headerOf(request, 'Reason')
      this.end({ by: 'them', ...(reason !== undefined && { reason }) })
      return { response: makeResponse(request, 200, 'OK') }
    }
    // RFC 3261 §14.2: one offer at a time.
    if (request.method === 'INVITE' && this.#invitesPending > 0)
      return { response: makeResponse(request, 491, 'Request Pending') }
    const given = this.#side.answer(request)
    if (given) return { response: this.#respond(request, given), afterwards: given.afterwards }
    if (ALLOW.split(', ').includes(request.method)) return { response: this.#respond(request, {}) }
    return { response: makeResponse(request, 405, 'Method Not Allowed', { headers: [['Allow', ALLOW]] }) }
  }

  #respond(request: SipRequest, { status = 200, reason = 'OK', body }: SideAnswer): SipResponse {
    const expires = headerOf(request, 'Session-Expires')
    const headers: SipHeaders = [
      ...this.#sessionHeaders(),
      ...(expires === undefined ? [] : [['Session-Expires', expires] as const]),
    ]
    return makeResponse(request, status, reason, { headers, ...(body && { body }) })
  }

  #sessionHeaders(): SipHeaders {
    return sessionHeaders(this.#link.party, this.#side.features)
  }

  #outcomeOf(answer: FinalAnswer): ModifyOutcome<Remote> {
    if (answer.kind !== 'response') return answer
    const { response } = answer
    if (response.status >= 300) return { kind: 'refused', status: response.status, reason: response.reason }
    this.#planRefresh(response)
    const judged = this.#side.judge(response)
    return 'reason' in judged
      ? { kind: 'wrong-answer', reason: judged.reason }
      : { kind: 'agreed', remote: judged.remote, response }
  }

  async #run(method: string, parts: RequestParts): Promise<FinalAnswer> {
    if (this.#isOver) return { kind: 'lost', reason: 'The call is over.' }
    this.#cseq += 1
    const answer = await this.#link.run(this.#request(method, this.#cseq, parts))
    // The other side knows the call no more (RFC 3261 §12.2.1.2).
    const isGone = answer.kind === 'response' && (answer.response.status === 481 || answer.response.status === 408)
    if (isGone || answer.kind === 'timeout') this.end({ by: 'lost', reason: `${method} found nobody.` })
    return answer
  }

  #request(method: string, cseq: number, { headers = [], body }: RequestParts): SipRequest {
    return makeRequest({
      method,
      uri: this.#target,
      via: viaOf(this.#link.party, newBranch()),
      from: this.#from,
      to: this.#to,
      callId: this.callId,
      cseq,
      headers: [...this.#routes.map((route) => ['Route', route] as const), ...headers],
      body,
    })
  }

  /** Refreshes the session in time, when the response leaves that to us. */
  #planRefresh(response: SipResponse): void {
    clearTimeout(this.#refreshTimer)
    const expires = headerOf(response, 'Session-Expires')
    const seconds = secondsOf(response, 'Session-Expires')
    if (!this.#refreshes || this.#isOver || seconds === undefined || /refresher\s*=\s*uas/i.test(expires ?? '')) return
    const asked: SipHeaders = [['Session-Expires', `${seconds};refresher=uac`]]
    this.#refreshTimer = setTimeout(
      async () => {
        const outcome = this.#canUpdate ? await this.update({ headers: asked }) : await this.refresh(asked)
        if (outcome.kind === 'agreed') this.refreshCount += 1
      },
      (seconds * MS_PER_SECOND) / REFRESH_PART,
    )
  }
}

/** True when a request belongs to a dialog: its To is our tag, its From the other's. */
export const isWithin = (dialog: { readonly remoteTag: string | undefined }, request: SipRequest): boolean =>
  tagOf(request, 'From') === dialog.remoteTag
