import type { SipRequest, SipResponse } from '../../protocol/sip/message.ts'
import type { SipFlow } from './flow.ts'
import type { ServerTransaction } from './invite-transaction.ts'
import { BUSY, type Reply } from './reply.ts'
import { formResponse } from './response.ts'
import type { Cancel, Timers } from './timers.ts'

/** Longest time to a final answer, whatever hangs. Shorter than the time after which the peer gives up, so that it learns why. */
export const ANSWER_MAX_MS = 20_000

/** What makes the answer of a request; may reject, may hang, may be too late. */
export type Answering = (exchange: Exchange) => Promise<Reply>

/**
 * One request and its one final answer. However the work for it ends, {@link Exchange.answer} is called, at the latest by the deadline; the first call wins, every
 * other reply is told that it was dropped, so that it can undo what it stands for.
 */
export class Exchange {
  readonly request: SipRequest
  readonly flow: SipFlow
  /** Aborted when the answer was given by somebody else: a CANCEL, the deadline, a stop. */
  readonly signal: AbortSignal
  readonly toTag: string
  readonly startedAtMs: number
  /** Sends an answer once more, to where the first went. */
  readonly resend: (response: SipResponse) => void
  readonly #transaction: ServerTransaction
  readonly #ending = new AbortController()
  readonly #stopDeadline: Cancel
  readonly #observers: ((reply: Reply) => void)[] = []
  #isAnswered = false
  #isKnown: boolean

  constructor(options: {
    readonly request: SipRequest
    readonly flow: SipFlow
    readonly transaction: ServerTransaction
    /** Tag of the To header in answers, when the request has none. */
    readonly toTag: string
    readonly resend: (response: SipResponse) => void
    /** True when it belongs to a call: its sender is no stranger. */
    readonly isKnown: boolean
    readonly timers: Timers
  }) {
    this.request = options.request
    this.flow = options.flow
    this.signal = this.#ending.signal
    this.toTag = options.toTag
    this.startedAtMs = options.timers.nowMs()
    this.resend = options.resend
    this.#transaction = options.transaction
    this.#isKnown = options.isKnown
    this.#stopDeadline = options.timers.after(ANSWER_MAX_MS, () => this.answer(BUSY))
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** Says that the sender is known and the answer takes a moment, so that an INVITE is not repeated (RFC 3261 §17.2.1). */
  trying(): void {
    this.#isKnown = true
    if (!this.#isAnswered) this.#transaction.respond(formResponse(this.request, { status: 100 }, this.toTag))
  }

  /** Hears of the answer, once it has been given. */
  onAnswered(observe: (reply: Reply) => void): void {
    this.#observers.push(observe)
  }

  answer(reply: Reply): void {
    if (this.#isAnswered) {
      reply.onDropped?.()
      return
    }
    this.#isAnswered = true
    this.#stopDeadline()
    const response: SipResponse = formResponse(this.request, reply, this.toTag)
    // What a stranger hears is not remembered, so a flood costs no memory (RFC 3261 §8.2.7).
    if (this.#isKnown) this.#transaction.respond(response)
    else this.#transaction.respondOnce(response)
    reply.onSent?.(response)
    for (const observe of this.#observers) observe(reply)
    this.#ending.abort()
  }
}
