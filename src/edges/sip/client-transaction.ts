import type { SipResponse } from '../../protocol/sip/message.ts'
import { type Cancel, T1_MS, T2_MS, T4_MS, type Timers, TRANSACTION_TIMEOUT_MS } from './timers.ts'

/** How a request of ours ended: the final response, or nobody answered in time. */
export type ClientOutcome = SipResponse | 'timeout'

/**
 * Client transaction of a request other than INVITE (RFC 3261 §17.1.2): repeats it over UDP (timer E) until a final response or timer F, then absorbs
 * repeated responses (timer K).
 */
export class ClientTransaction {
  readonly outcome: Promise<ClientOutcome>
  readonly #timers: Timers
  readonly #isReliable: boolean
  readonly #send: () => boolean
  readonly #onTerminated: () => void
  readonly #settle: (outcome: ClientOutcome) => void
  #state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying'
  #stopRepeating: Cancel = () => {}
  #stopWaiting: Cancel

  constructor(options: {
    readonly timers: Timers
    readonly isReliable: boolean
    /** False: in vain. */
    readonly send: () => boolean
    readonly onTerminated: () => void
  }) {
    this.#timers = options.timers
    this.#isReliable = options.isReliable
    this.#send = options.send
    this.#onTerminated = options.onTerminated
    const { promise, resolve } = Promise.withResolvers<ClientOutcome>()
    this.outcome = promise
    this.#settle = resolve
    this.#stopWaiting = this.#timers.after(TRANSACTION_TIMEOUT_MS, () => this.#end())
    const isSent = this.#send()
    if (!this.#isReliable) this.#repeatAfter(T1_MS)
    else if (!isSent) this.#stopWaiting = this.#afterwards()
  }

  receive(response: SipResponse): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return
    if (response.status < 200) {
      this.#state = 'proceeding'
      return
    }
    this.#state = 'completed'
    this.#stopRepeating()
    this.#stopWaiting()
    this.#settle(response)
    if (this.#isReliable) this.#end()
    else this.#stopWaiting = this.#timers.after(T4_MS, () => this.#end())
  }

  /** A broken connection brings no answer (RFC 3261 §17.1.4); said once the owner has heard of this transaction. */
  #afterwards(): Cancel {
    this.#stopWaiting()
    return this.#timers.after(0, () => this.#end())
  }

  /** Gives up; the outcome is a timeout unless there was a response. */
  terminate(): void {
    this.#end()
  }

  #repeatAfter(delayMs: number): void {
    this.#stopRepeating = this.#timers.after(delayMs, () => {
      this.#send()
      this.#repeatAfter(this.#state === 'proceeding' ? T2_MS : Math.min(2 * delayMs, T2_MS))
    })
  }

  #end(): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.#stopRepeating()
    this.#stopWaiting()
    this.#settle('timeout')
    this.#onTerminated()
  }
}
