import { type Cancel, T1_MS, T2_MS, type Timers, TRANSACTION_TIMEOUT_MS } from './timers.ts'

/**
 * A 2xx to an INVITE that waits for its ACK: repeated over every transport, since a proxy on the way may lose it (RFC 3261 §13.3.1.4), until
 * {@link AcceptedAnswer.acknowledge}, or given up after 64·T1.
 */
export class AcceptedAnswer {
  readonly #timers: Timers
  readonly #send: () => void
  #stopRepeating: Cancel = () => {}
  readonly #stopWaiting: Cancel
  #isWaiting = true

  /** The answer has been sent once already. */
  constructor(options: { readonly timers: Timers; readonly send: () => void; readonly onLost: () => void }) {
    this.#timers = options.timers
    this.#send = options.send
    this.#stopWaiting = this.#timers.after(TRANSACTION_TIMEOUT_MS, () => {
      this.acknowledge()
      options.onLost()
    })
    this.#repeatAfter(T1_MS)
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Stops repeating; also when the call has ended otherwise. */
  acknowledge(): void {
    this.#isWaiting = false
    this.#stopRepeating()
    this.#stopWaiting()
  }

  #repeatAfter(delayMs: number): void {
    this.#stopRepeating = this.#timers.after(delayMs, () => {
      this.#send()
      this.#repeatAfter(Math.min(2 * delayMs, T2_MS))
    })
  }
}
