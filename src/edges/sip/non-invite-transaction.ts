import type { SipRequest, SipResponse } from '../../protocol/sip/message.ts'
import type { ServerTransaction, TransactionOptions } from './invite-transaction.ts'
import { type Cancel, TRANSACTION_TIMEOUT_MS } from './timers.ts'

/** Server transaction of any other request (RFC 3261 §17.2.2): answers a repetition with what it has answered before, until timer J. */
export class NonInviteTransaction implements ServerTransaction {
  readonly request: SipRequest
  readonly #options: TransactionOptions
  #state: 'trying' | 'completed' | 'terminated' = 'trying'
  #final: SipResponse | undefined
  #stopWaiting: Cancel = () => {}

  constructor(options: TransactionOptions) {
    this.request = options.request
    this.#options = options
  }

  get isAnswered(): boolean {
    return this.#state !== 'trying'
  }

  /** Provisional answers to these requests are discouraged (RFC 4320 §4.1) and are not sent. */
  respond(response: SipResponse): void {
    if (this.isAnswered || response.status < 200) return
    this.#final = response
    this.#state = 'completed'
    this.#options.send(response)
    if (this.#options.isReliable) this.terminate()
    else this.#stopWaiting = this.#options.timers.after(TRANSACTION_TIMEOUT_MS, () => this.terminate())
  }

  respondOnce(response: SipResponse): void {
    if (this.isAnswered) return
    this.#options.send(response)
    this.terminate()
  }

  receive(): void {
    if (this.#state === 'completed' && this.#final) this.#options.send(this.#final)
  }

  terminate(): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.#stopWaiting()
    this.#options.onTerminated()
  }
}
