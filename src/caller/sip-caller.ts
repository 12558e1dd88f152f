import { randomUUID } from 'node:crypto'
import {
  headerOf,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../protocol/sip/message.ts'
import { type AudioAgreement, AudioSession } from './audio-session.ts'
import { Invitation, type InvitationOptions, type InviteOptions } from './invitation.ts'
import type { SessionSide } from './session-side.ts'
import { SipCall } from './sip-call.ts'
import { type DialogLink, type DialogParts, isWithin, type SipDialog, sessionHeaders } from './sip-dialog.ts'
import {
  addressesOf,
  cseqOf,
  type LocalParty,
  makeRequest,
  makeResponse,
  newBranch,
  secondsOf,
  viaOf,
} from './sip-text.ts'
import {
  AnsweredRequests,
  ClientTransactions,
  type FinalAnswer,
  T1_MS,
  type TransactionOptions,
} from './sip-transactions.ts'
import { openSipTransport, type SipTransport, type TransportOptions } from './sip-transport.ts'
import type { CallTarget } from './target.ts'

/** Whom a caller calls and how it behaves. */
export interface CallerOptions extends Omit<TransportOptions, 'target'> {
  readonly target: CallTarget
  /** User part of its own address. */
  readonly user?: string
  /** SIP's estimate of a round trip, 500 ms unless said; every repetition and time-out follows from it. */
  readonly t1Ms?: number
}

/** An INVITE that was answered with a 2xx that we agree to. */
export interface Answered<D> {
  readonly kind: 'answered'
  readonly call: D
  readonly afterMs: number
  readonly response: SipResponse
  /** Statuses of the provisional responses, in order. */
  readonly provisional: readonly number[]
}

/** How an INVITE ended that came to nothing. */
export type InviteFailure =
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly reason: string
      readonly afterMs: number
      readonly retryAfterSeconds?: number
      readonly response: SipResponse
    }
  /** The final status to the INVITE; 200 when the answer was faster than our CANCEL (it was hung up at once). */
  | { readonly kind: 'cancelled'; readonly status: number }
  /** The 2xx breaks the rules; the call was hung up. */
  | { readonly kind: 'wrong-answer'; readonly reason: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'lost'; readonly reason: string }

/** How the INVITE of a plain call ended. */
export type InviteOutcome = (Answered<SipCall> & AudioAgreement) | InviteFailure

/** Makes the dialog of a 2xx. */
type OpenDialog<D> = (link: DialogLink, parts: DialogParts) => D

const ANSWER_DEADLINE_MS = 10_000
/** How long a cancelled INVITE may still take. */
const CANCEL_WAIT_MS = 5000
/** One with credentials, one with a longer session, and the first. */
const ATTEMPTS_MAX = 3
const CALLS_MAX = 10_000

/** A user agent client for many calls over one socket or connection. Reads and writes strictly; whatever it gets that is no SIP it counts. */
export class SipCaller {
  readonly #options: CallerOptions
  readonly #transactions: ClientTransactions
  readonly #calls = new Map<string, SipDialog<unknown>>()
  readonly #answered = new AnsweredRequests()
  #transport: SipTransport | undefined
  #lostReason: string | undefined
  /** Messages that were no SIP, and responses that belonged to nothing. */
  garbledCount = 0
  strayCount = 0

  private constructor(options: CallerOptions) {
    this.#options = options
    this.#transactions = new ClientTransactions(() => this.#way, options.t1Ms ?? T1_MS)
  }

  /** Opens the socket or connection. Rejects with CALL_UNREACHABLE. */
  static async open(options: CallerOptions): Promise<SipCaller> {
    const caller = new SipCaller(options)
    caller.#transport = await openSipTransport(options, {
      received: (message) => caller.#receive(message),
      garbled: () => {
        caller.garbledCount += 1
      },
      lost: (reason) => caller.#lose(reason),
    })
    return caller
  }

  /** Calls that are up. */
  get callCount(): number {
    return this.#calls.size
  }

  get localAddress(): string {
    return this.#way.localAddress
  }

  get localPort(): number {
    return this.#way.localPort
  }

  /** Places one plain call. Never rejects: whatever happens is an outcome. */
  async invite({ media, hasLateOffer, ...options }: InviteOptions): Promise<InviteOutcome> {
    const session = new AudioSession(media, hasLateOffer)
    const outcome = await this.dial(options, session, (link, parts) => new SipCall(link, parts, session))
    if (outcome.kind !== 'answered') return outcome
    if (!session.agreement) throw new Error('Who was answered has agreed.')
    return { ...outcome, ...session.agreement }
  }

  /** Asks for one session about anything. Never rejects: whatever happens is an outcome. */
  async dial<D extends SipDialog<unknown>>(
    options: InvitationOptions,
    side: SessionSide<unknown>,
    open: OpenDialog<D>,
  ): Promise<Answered<D> | InviteFailure> {
    if (this.#calls.size >= CALLS_MAX) return { kind: 'lost', reason: 'Too many calls.' }
    const attempt = new Invitation(this.#party, this.#options.target.uri, options, side)
    const startedAtMs = performance.now()
    for (let count = 1; ; count += 1) {
      const answer = await this.#runInvite(attempt, options)
      if (answer.kind !== 'response') return answer
      const { response } = answer
      const afterMs = performance.now() - startedAtMs
      if (response.status < 300) return this.#establish(attempt, options, { response, afterMs }, open)
      if (count < ATTEMPTS_MAX && !attempt.isCancelled && attempt.amend(response)) continue
      if (attempt.isCancelled) return cancelledBy(options, response.status)
      const retryAfterSeconds = secondsOf(response, 'Retry-After')
      return {
        kind: 'refused',
        status: response.status,
        reason: response.reason,
        afterMs,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
        response,
      }
    }
  }

  /** An OPTIONS outside any call. */
  options(): Promise<FinalAnswer> {
    return this.request('OPTIONS')
  }

  /** Any request outside a call. */
  request(method: string, headers: SipHeaders = []): Promise<FinalAnswer> {
    const { from, to } = addressesOf(this.#party, this.#options.target.uri)
    return this.#run(
      makeRequest({
        method,
        uri: this.#options.target.uri,
        via: viaOf(this.#party, newBranch()),
        from,
        to,
        callId: randomUUID(),
        cseq: 1,
        headers: [...sessionHeaders(this.#party), ...headers],
      }),
    )
  }

  /** Closes the socket; calls that are up are lost to this side without a BYE. */
  close(): void {
    this.#way.close()
    this.#lose('The caller was closed.')
  }

  get #way(): SipTransport {
    if (!this.#transport) throw new Error('A caller has its transport before its calls.')
    return this.#transport
  }

  get #party(): LocalParty {
    return {
      address: this.#way.localAddress,
      port: this.#way.localPort,
      transport: this.#options.target.transport,
      user: this.#options.user ?? 'caller',
    }
  }

  #run(request: SipRequest, options: TransactionOptions = {}): Promise<FinalAnswer> {
    if (this.#lostReason !== undefined) return Promise.resolve({ kind: 'lost', reason: this.#lostReason })
    return this.#transactions.run(request, options)
  }

  /** One INVITE up to its final response, with the CANCEL that its time or its deadline asks for. */
  async #runInvite(attempt: Invitation, options: InvitationOptions): Promise<FinalAnswer> {
    const invite = attempt.request()
    const deadlineMs = deadlineOf(options)
    let isProvisional = false
    let isWanted = true
    const cancel = () => {
      isWanted = false
      // Before a provisional response there is nothing to cancel (RFC 3261 §9.1); it is done as soon as there is one.
      if (!isProvisional || attempt.isCancelled) return
      attempt.isCancelled = true
      void this.#run(attempt.cancellation(invite))
    }
    const timer = setTimeout(cancel, Math.min(deadlineMs, options.cancelAfterMs ?? deadlineMs))
    const answer = await this.#run(invite, {
      deadlineMs: deadlineMs + CANCEL_WAIT_MS,
      provisional: ({ status }: SipResponse) => {
        isProvisional = true
        attempt.provisional.push(status)
        if (!isWanted) cancel()
      },
    })
    clearTimeout(timer)
    return answer
  }

  /** Makes a dialog of a 2xx and acknowledges it; hangs up at once when it is not wanted any more or makes no sense. */
  async #establish<D extends SipDialog<unknown>>(
    attempt: Invitation,
    options: InvitationOptions,
    { response, afterMs }: Pick<Answered<D>, 'response' | 'afterMs'>,
    open: OpenDialog<D>,
  ): Promise<Answered<D> | InviteFailure> {
    const agreed = attempt.agree(response)
    const link: DialogLink = {
      party: this.#party,
      run: (request, options) => this.#run(request, options),
      send: (message) => this.#way.send(message),
      forget: (callId) => this.#calls.delete(callId),
    }
    const call = open(link, attempt.dialogOf(response))
    this.#calls.set(call.callId, call)
    call.acknowledge(attempt.cseq, 'reason' in agreed ? undefined : agreed.answer)
    if (attempt.isCancelled || 'reason' in agreed) {
      await call.bye()
      return 'reason' in agreed
        ? { kind: 'wrong-answer', reason: agreed.reason }
        : cancelledBy(options, response.status)
    }
    return { kind: 'answered', call, afterMs, response, provisional: attempt.provisional }
  }

  #receive(message: SipMessage): void {
    if (message.kind === 'request') this.#answer(message)
    else if (!this.#transactions.receive(message)) this.#receiveStray(message)
  }

  /** A 2xx that comes again wants its ACK again (RFC 3261 §13.2.2.4). */
  #receiveStray(response: SipResponse): void {
    const call = this.#calls.get(headerOf(response, 'Call-ID') ?? '')
    const cseq = cseqOf(response)
    if (call && cseq?.method === 'INVITE' && response.status >= 200 && response.status < 300)
      call.acknowledge(cseq.number)
    else this.strayCount += 1
  }

  #answer(request: SipRequest): void {
    if (request.method === 'ACK') return
    const again = this.#answered.find(request)
    if (again) {
      this.#way.send(again)
      return
    }
    const call = this.#calls.get(headerOf(request, 'Call-ID') ?? '')
    const isCall = call !== undefined && isWithin(call, request)
    const { response, afterwards = undefined } = isCall ? call.answer(request) : { response: answerOutside(request) }
    this.#answered.remember(request, response)
    this.#way.send(response)
    afterwards?.()
  }

  #lose(reason: string): void {
    this.#lostReason ??= reason
    this.#transactions.failAll(reason)
    for (const call of this.#calls.values()) call.end({ by: 'lost', reason })
  }
}

/** A CANCEL of ours was either asked for, or came from the deadline. */
const cancelledBy = (options: InvitationOptions, status: number): InviteFailure =>
  (options.cancelAfterMs ?? Number.POSITIVE_INFINITY) < deadlineOf(options)
    ? { kind: 'cancelled', status }
    : { kind: 'timeout' }

const deadlineOf = ({ answerDeadlineMs = ANSWER_DEADLINE_MS }: InvitationOptions): number => answerDeadlineMs

const answerOutside = (request: SipRequest): SipResponse =>
  request.method === 'OPTIONS'
    ? makeResponse(request, 200, 'OK')
    : makeResponse(request, 481, 'Call/Transaction Does Not Exist')
