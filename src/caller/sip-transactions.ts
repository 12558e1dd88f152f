import { headerOf, type SipMessage, type SipRequest, type SipResponse } from '../protocol/sip/message.ts'
import { branchOf, cseqOf } from './sip-text.ts'
import type { SipTransport } from './sip-transport.ts'

/** How a request ended. */
export type FinalAnswer =
  | { readonly kind: 'response'; readonly response: SipResponse }
  /** No final response within 64·T1 (RFC 3261 §17.1.1.2, §17.1.2.2), or the caller's own deadline. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'lost'; readonly reason: string }

/** RFC 3261 §17.1.1.1: an estimate of the round trip, and the longest time between repetitions. */
export const T1_MS = 500
const T2_MS = 4000
const TIMEOUT_T1 = 64
/** Requests that wait for an answer, on one transport. */
const TRANSACTIONS_MAX = 20_000

/** What one transaction is begun with. */
export interface TransactionOptions {
  /** Gives up after this time although SIP would wait longer. */
  readonly deadlineMs?: number
  readonly provisional?: (response: SipResponse) => void
}

interface Transaction {
  receive(response: SipResponse): void
  fail(answer: FinalAnswer): void
}

/** The client transactions of one transport (RFC 3261 §17.1): repeats requests, finds the transaction of a response, acknowledges what is no success. */
export class ClientTransactions {
  readonly #transport: () => SipTransport
  readonly #t1Ms: number
  /** By branch and method: a CANCEL has the branch of its INVITE. */
  readonly #byKey = new Map<string, Transaction>()

  constructor(transport: () => SipTransport, t1Ms = T1_MS) {
    this.#transport = transport
    this.#t1Ms = t1Ms
  }

  /** Sends a request that has a branch of its own, and waits for its final response. Never rejects. */
  run(request: SipRequest, { deadlineMs, provisional }: TransactionOptions = {}): Promise<FinalAnswer> {
    const key = keyOf(branchOf(request), request.method)
    if (this.#byKey.size >= TRANSACTIONS_MAX) {
      return Promise.resolve({ kind: 'lost', reason: 'Too many requests wait for answers.' })
    }
    const isInvite = request.method === 'INVITE'
    const { promise, resolve } = Promise.withResolvers<FinalAnswer>()
    const repeat = new Repetition(() => this.#transport().send(request), this.#t1Ms, isInvite ? undefined : T2_MS)
    const sipTimeout = setTimeout(() => end({ kind: 'timeout' }), TIMEOUT_T1 * this.#t1Ms)
    const deadline = deadlineMs === undefined ? undefined : setTimeout(() => end({ kind: 'timeout' }), deadlineMs)
    let isOver = false
    const end = (answer: FinalAnswer) => {
      if (isOver) return
      isOver = true
      repeat.stop()
      clearTimeout(sipTimeout)
      clearTimeout(deadline)
      // Kept for the repetitions of a final response to an INVITE that failed: each wants its ACK.
      const keepsOn = isInvite && answer.kind === 'response' && answer.response.status >= 300
      if (!keepsOn || this.#transport().isReliable) this.#byKey.delete(key)
      else setTimeout(() => this.#byKey.delete(key), TIMEOUT_T1 * this.#t1Ms).unref()
      resolve(answer)
    }
    const receive = (response: SipResponse) => {
      if (response.status >= 200) {
        if (isInvite && response.status >= 300) this.#transport().send(ackOf(request, response))
        end({ kind: 'response', response })
      } else if (!isOver) {
        if (isInvite) {
          repeat.stop()
          clearTimeout(sipTimeout)
        } else repeat.slowDown()
        provisional?.(response)
      }
    }
    this.#byKey.set(key, { receive, fail: end })
    this.#transport().send(request)
    if (!this.#transport().isReliable) repeat.start()
    return promise
  }

  /** True when the response belonged to a request of ours that still waits, or to a failed INVITE. */
  receive(response: SipResponse): boolean {
    const transaction = this.#byKey.get(keyOf(branchOf(response), cseqOf(response)?.method))
    transaction?.receive(response)
    return transaction !== undefined
  }

  /** Ends every request that waits. */
  failAll(reason: string): void {
    for (const transaction of this.#byKey.values()) transaction.fail({ kind: 'lost', reason })
  }
}

/** The ACK of a response that is no success: part of the INVITE's own transaction (RFC 3261 §17.1.1.3). */
const ackOf = (invite: SipRequest, response: SipResponse): SipRequest => ({
  kind: 'request',
  method: 'ACK',
  uri: invite.uri,
  headers: [
    ['Via', headerOf(invite, 'Via') ?? ''],
    ['Max-Forwards', '70'],
    ['From', headerOf(invite, 'From') ?? ''],
    ['To', headerOf(response, 'To') ?? ''],
    ['Call-ID', headerOf(invite, 'Call-ID') ?? ''],
    ['CSeq', `${cseqOf(invite)?.number ?? 0} ACK`],
    ...invite.headers.filter(([name]) => name === 'Route'),
  ],
  body: new Uint8Array(),
})

/** Does something again and again, each time after twice the time. */
class Repetition {
  readonly #send: () => void
  readonly #maxMs: number
  #waitMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(send: () => void, firstMs: number, maxMs = Number.POSITIVE_INFINITY) {
    this.#send = send
    this.#waitMs = firstMs
    this.#maxMs = maxMs
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#send()
      this.#waitMs = Math.min(2 * this.#waitMs, this.#maxMs)
      this.start()
    }, this.#waitMs)
  }

  slowDown(): void {
    if (this.#maxMs !== Number.POSITIVE_INFINITY) this.#waitMs = this.#maxMs
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** Answers of ours that may be asked for again, by the request's branch and method: an answer is repeated when its request is. */
export class AnsweredRequests {
  readonly #answers = new Map<string, SipMessage>()

  /** The answer given before, when this request was answered. */
  find(request: SipRequest): SipMessage | undefined {
    return this.#answers.get(keyOf(branchOf(request), request.method))
  }

  remember(request: SipRequest, answer: SipMessage): void {
    this.#answers.set(keyOf(branchOf(request), request.method), answer)
    if (this.#answers.size <= ANSWERS_MAX) return
    const [oldest] = this.#answers.keys()
    if (oldest !== undefined) this.#answers.delete(oldest)
  }
}

const ANSWERS_MAX = 20_000
const keyOf = (branch: string | undefined, method: string | undefined): string => `${branch} ${method}`
