import {
  headerOf,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../protocol/sip/message.ts'
import {
  agreedCodec,
  type Direction,
  formatSession,
  type LocalMedia,
  type RemoteSession,
  readSession,
} from './session-text.ts'
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

/** What a call needs of the caller that placed it. */
export interface CallLink {
  readonly party: LocalParty
  run(request: SipRequest, options?: TransactionOptions): Promise<FinalAnswer>
  send(message: SipMessage): void
  /** The call is over. */
  forget(call: SipCall): void
}

/** The parts of a dialog that its INVITE and the 2xx to it made (RFC 3261 §12.1.2). */
export interface Dialog {
  readonly callId: string
  readonly from: string
  readonly cseq: number
  readonly response: SipResponse
  readonly media: LocalMedia
  readonly sessionId: string
  /** Refreshes the session when that falls to us (RFC 4028); else nobody does. */
  readonly refreshes: boolean
}

/** How a change of a running call ended. */
export type ModifyOutcome =
  | { readonly kind: 'agreed'; readonly remote: RemoteSession | undefined; readonly response: SipResponse }
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

const ALLOW = 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO'
const SDP = 'application/sdp'
const MS_PER_SECOND = 1000
/** RFC 4028 §10: half way. */
const REFRESH_PART = 2

/** Header fields of every request of ours that begins or changes a session. */
export const sessionHeaders = (party: LocalParty): SipHeaders => [
  ['Contact', contactOf(party)],
  ['Allow', ALLOW],
  ['Supported', 'timer'],
]

/** A call that was answered: one dialog, from the 2xx to the BYE. */
export class SipCall {
  readonly callId: string
  readonly #link: CallLink
  readonly #from: string
  readonly #to: string
  readonly #target: string
  readonly #routes: readonly string[]
  readonly #sessionId: string
  readonly #refreshes: boolean
  readonly #canUpdate: boolean
  readonly #ended = Promise.withResolvers<CallEnd>()
  /** The ACK of the latest INVITE. */
  #ack: { readonly cseq: number; readonly request: SipRequest } | undefined
  #media: LocalMedia
  #direction: Direction = 'sendrecv'
  #version = 1
  #cseq: number
  #remoteCseq = 0
  #refreshTimer: NodeJS.Timeout | undefined
  #isOver = false
  /** Session refreshes of ours that were answered with success. */
  refreshCount = 0

  constructor(link: CallLink, dialog: Dialog) {
    const { response } = dialog
    this.#link = link
    this.callId = dialog.callId
    this.#from = dialog.from
    this.#cseq = dialog.cseq
    this.#to = headerOf(response, 'To') ?? ''
    this.#target = uriIn(headerOf(response, 'Contact')) ?? ''
    this.#routes = routesOf(response)
    this.#canUpdate = /\bUPDATE\b/.test(headerOf(response, 'Allow') ?? '')
    this.#media = dialog.media
    this.#sessionId = dialog.sessionId
    this.#refreshes = dialog.refreshes
    this.#planRefresh(response)
  }

  /** The tag of the other side. */
  get remoteTag(): string | undefined {
    return /;\s*tag=([^;,\s]+)/i.exec(this.#to)?.[1]
  }

  /** Resolves when the call is over, whoever ended it. */
  get ended(): Promise<CallEnd> {
    return this.#ended.promise
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Acknowledges the 2xx to the INVITE of this number, with our answer when the offer was theirs; again when the 2xx comes again. */
  acknowledge(cseq: number, answer?: string): void {
    if (this.#ack?.cseq !== cseq) {
      const parts = answer === undefined ? {} : { body: { type: SDP, text: answer } }
      this.#ack = { cseq, request: this.#request('ACK', cseq, parts) }
    }
    this.#link.send(this.#ack.request)
  }

  /** Our session description as it is now, in the next version. */
  nextSession(): string {
    this.#version += 1
    return formatSession(this.#media, {
      sessionId: this.#sessionId,
      version: this.#version,
      direction: this.#direction,
    })
  }

  /** Puts the other side on hold, so that no media is expected (RFC 3264 §8.4). */
  hold(direction: 'sendonly' | 'inactive' = 'inactive'): Promise<ModifyOutcome> {
    this.#direction = direction
    return this.#reinvite()
  }

  /** Takes it off hold. */
  resume(): Promise<ModifyOutcome> {
    this.#direction = 'sendrecv'
    return this.#reinvite()
  }

  /** Media is sent from somewhere else, or in another form, from now on. */
  move(media: LocalMedia): Promise<ModifyOutcome> {
    this.#media = media
    return this.#reinvite()
  }

  /** A re-INVITE with our session as it is: a refresh. */
  refresh(headers: SipHeaders = []): Promise<ModifyOutcome> {
    return this.#reinvite(headers)
  }

  /** An UPDATE (RFC 3311), with our session description in its next version, or without. */
  async update(parts: { readonly withSession?: boolean; readonly headers?: SipHeaders } = {}): Promise<ModifyOutcome> {
    const body = parts.withSession ? { body: { type: SDP, text: this.nextSession() } } : {}
    return this.#outcomeOf(
      await this.#run('UPDATE', { headers: [...sessionHeaders(this.#link.party), ...(parts.headers ?? [])], ...body }),
    )
  }

  /** Any other request within the dialog: OPTIONS, INFO, or one that the other side should refuse. */
  request(method: string, parts: RequestParts = {}): Promise<FinalAnswer> {
    return this.#run(method, parts)
  }

  /** Hangs up; resolves with the answer to the BYE. The call is over from now on. */
  bye(): Promise<FinalAnswer> {
    const answer = this.#run('BYE', {})
    this.end({ by: 'us' })
    return answer
  }

  /** The call is over for this side; nothing more is sent by itself. */
  end(end: CallEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#refreshTimer)
    this.#link.forget(this)
    this.#ended.resolve(end)
  }

  /** Answers a request of the other side within this dialog. */
  answer(request: SipRequest): SipResponse {
    const number = cseqOf(request)?.number ?? 0
    if (number <= this.#remoteCseq) return makeResponse(request, 500, 'CSeq Out Of Order')
    this.#remoteCseq = number
    if (request.method === 'BYE') {
      const reason = headerOf(request, 'Reason')
      this.end({ by: 'them', ...(reason !== undefined && { reason }) })
      return makeResponse(request, 200, 'OK')
    }
    const expires = headerOf(request, 'Session-Expires')
    const headers: SipHeaders = [
      ...sessionHeaders(this.#link.party),
      ...(expires === undefined ? [] : [['Session-Expires', expires] as const]),
    ]
    if (request.method === 'INVITE' || (request.method === 'UPDATE' && request.body.length > 0)) {
      return makeResponse(request, 200, 'OK', { headers, body: { type: SDP, text: this.nextSession() } })
    }
    if (ALLOW.split(', ').includes(request.method)) return makeResponse(request, 200, 'OK', { headers })
    return makeResponse(request, 405, 'Method Not Allowed', { headers: [['Allow', ALLOW]] })
  }

  async #reinvite(headers: SipHeaders = []): Promise<ModifyOutcome> {
    const body = { type: SDP, text: this.nextSession() }
    const cseq = this.#cseq + 1
    const answer = await this.#run('INVITE', { headers: [...sessionHeaders(this.#link.party), ...headers], body })
    if (answer.kind === 'response' && answer.response.status < 300) this.acknowledge(cseq)
    return this.#outcomeOf(answer)
  }

  #outcomeOf(answer: FinalAnswer): ModifyOutcome {
    if (answer.kind !== 'response') return answer
    const { response } = answer
    if (response.status >= 300) return { kind: 'refused', status: response.status, reason: response.reason }
    this.#planRefresh(response)
    if (response.body.length === 0) return { kind: 'agreed', remote: undefined, response }
    const remote = readSession(Buffer.from(response.body).toString())
    if ('reason' in remote) return { kind: 'wrong-answer', reason: remote.reason }
    const codec = agreedCodec(this.#media, remote)
    return 'reason' in codec ? { kind: 'wrong-answer', reason: codec.reason } : { kind: 'agreed', remote, response }
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

interface RequestParts {
  readonly headers?: SipHeaders
  readonly body?: { readonly type: string; readonly text: string }
}

/** True when a request belongs to a call: its To is our tag, its From the other's. */
export const isWithin = (call: SipCall, request: SipRequest): boolean => tagOf(request, 'From') === call.remoteTag
