import type { SipRequest, SipResponse } from '../../protocol/sip/message.ts'
import { type Cancel, T1_MS, T2_MS, T4_MS, type Timers, TRANSACTION_TIMEOUT_MS } from './timers.ts'

/** What a server transaction needs of its surroundings. */
export interface TransactionOptions {
  readonly request: SipRequest
  /** True for TCP and TLS: nothing is sent twice. */
  readonly isReliable: boolean
  readonly timers: Timers
  readonly send: (response: SipResponse) => void
  /** Called once, when it is to be forgotten. */
  readonly onTerminated: () => void
}

/** One request and its answers (RFC 3261 §17.2). */
export interface ServerTransaction {
  readonly request: SipRequest
  /** True once it has a final answer. */
  readonly isAnswered: boolean
  /** Sends a provisional or final answer; after a final one nothing more is sent. */
  respond(response: SipResponse): void
  /** Sends a final answer once and is forgotten: for peers that must not cost memory (RFC 3261 §8.2.7). */
  respondOnce(response: SipResponse): void
  /** The same request again, or the ACK of a refused INVITE. */
  receive(request: SipRequest): void
  /** Forgets everything, timers included. */
  terminate(): void
}

/**
 * INVITE server transaction (RFC 3261 §17.2.1, with the accepted state of RFC 6026 §7.1). It repeats refusals over UDP until they are acknowledged (timers
 * G, H and I); 2xx are repeated by who accepted the call, over all transports.
 */
export class InviteTransaction implements ServerTransaction {
  readonly request: SipRequest
  readonly #options: TransactionOptions
  #state: 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated' = 'proceeding'
  #latest: SipResponse | undefined
  #stopRepeating: Cancel = () => {}
  #stopWaiting: Cancel = () => {}

  constructor(options: TransactionOptions) {
    this.request = options.request
    this.#options = options
  }

  get isAnswered(): boolean {
    return this.#state !== 'proceeding'
  }

  respond(response: SipResponse): void {
    if (this.isAnswered) return
    this.#latest = response
    if (response.status >= 200) this.#state = response.status < 300 ? 'accepted' : 'completed'
    this.#options.send(response)
    if (!this.isAnswered) return
    this.#endAfter(TRANSACTION_TIMEOUT_MS)
    if (this.#state === 'completed' && !this.#options.isReliable) this.#repeatAfter(T1_MS)
  }

  respondOnce(response: SipResponse): void {
    if (this.isAnswered) return
    this.#options.send(response)
    this.terminate()
  }

  receive({ method }: SipRequest): void {
    const isRepeatable = this.#state === 'proceeding' || this.#state === 'completed'
    if (method === 'ACK') this.#acknowledged()
    else if (isRepeatable && this.#latest) this.#options.send(this.#latest)
  }

  terminate(): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.#stopRepeating()
    this.#stopWaiting()
    this.#options.onTerminated()
  }

  #acknowledged(): void {
    if (this.#state !== 'completed') return
    this.#state = 'confirmed'
    this.#stopRepeating()
    if (this.#options.isReliable) this.terminate()
    else this.#endAfter(T4_MS)
  }

  #repeatAfter(delayMs: number): void {
    this.#stopRepeating = this.#options.timers.after(delayMs, () => {
      if (this.#latest) this.#options.send(this.#latest)
      this.#repeatAfter(Math.min(2 * delayMs, T2_MS))
    })
  }

  #endAfter(delayMs: number): void {
    this.#stopWaiting()
    this.#stopWaiting = this.#options.timers.after(delayMs, () => this.terminate())
  }
}
