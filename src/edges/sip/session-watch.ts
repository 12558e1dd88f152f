import { headerOf, type SipHeaders, type SipResponse } from '../../protocol/sip/message.ts'
import { parseSessionExpires } from '../../protocol/sip/session-expires.ts'
import type { ClientOutcome } from './client-transaction.ts'
import { expiryMs, refreshMs, SESSION_MIN_SECONDS, type SessionTerms, sessionHeaders } from './session-timer.ts'
import type { Cancel, Timers } from './timers.ts'

/** Answers to a refresh that say that the dialog is gone (RFC 4028 §10, RFC 3261 §12.2.1.2). */
const GONE: ReadonlySet<number> = new Set([408, 481])

/** Keeps one session's timer: refreshes it when that is our part, and tells when nobody has refreshed it (RFC 4028 §10). */
export class SessionWatch {
  readonly #timers: Timers
  readonly #refresh: (headers: SipHeaders) => Promise<ClientOutcome>
  readonly #onLost: () => void
  #stopExpiry: Cancel = () => {}
  #stopRefresh: Cancel = () => {}
  #isStopped = false

  constructor(options: {
    readonly timers: Timers
    /** Sends a refresh with these headers. */
    readonly refresh: (headers: SipHeaders) => Promise<ClientOutcome>
    readonly onLost: () => void
  }) {
    this.#timers = options.timers
    this.#refresh = options.refresh
    this.#onLost = options.onLost
  }

  /** The session has just been refreshed, on these terms; without terms it never expires. */
  restart(terms: SessionTerms | undefined): void {
    this.#clear()
    if (this.#isStopped || !terms) return
    this.#stopExpiry = this.#timers.after(expiryMs(terms), this.#onLost)
    if (terms.refresher === 'uas') this.#stopRefresh = this.#timers.after(refreshMs(terms), () => void this.#ask(terms))
  }

  stop(): void {
    this.#isStopped = true
    this.#clear()
  }

  /** In a request of ours, we are the `uac`. */
  async #ask(terms: SessionTerms): Promise<void> {
    const outcome = await this.#refresh([
      ['Supported', 'timer'],
      ...sessionHeaders({ ...terms, refresher: 'uac' }).filter(([name]) => name !== 'Require'),
    ])
    if (this.#isStopped) return
    if (outcome === 'timeout' || GONE.has(outcome.status)) this.#onLost()
    // Refused otherwise (glare, an interval too small): the expiry still runs, and the peer may refresh.
    else if (outcome.status < 300) this.restart(agreedTerms(outcome))
  }

  #clear(): void {
    this.#stopExpiry()
    this.#stopRefresh()
  }
}

/** What a refresh of ours was answered with, seen from our side of the call. */
const agreedTerms = (response: SipResponse): SessionTerms | undefined => {
  const agreed = parseSessionExpires(headerOf(response, 'Session-Expires') ?? '')
  if (!agreed) return undefined
  const refresher = agreed.refresher === 'uas' ? 'uac' : 'uas'
  return { intervalSeconds: Math.max(agreed.deltaSeconds, SESSION_MIN_SECONDS), refresher }
}
