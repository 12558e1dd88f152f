import { randomBytes } from 'node:crypto'
import { parseCseq } from '../../protocol/sip/cseq.ts'
import { formatSipMessage } from '../../protocol/sip/format-message.ts'
import { headerOf, type SipHeaders, type SipRequest, type SipResponse } from '../../protocol/sip/message.ts'
import { type ClientOutcome, ClientTransaction } from './client-transaction.ts'
import type { Dialog } from './dialog.ts'
import { formatHostPort, type SipFlow, type SipTransports } from './flow.ts'
import { findPath } from './next-hop.ts'
import { topVia } from './response-path.ts'
import type { Timers } from './timers.ts'

/** Marks branches of RFC 3261 (§8.1.1.7). */
const MAGIC = 'z9hG4bK'
const BRANCH_BYTES = 12
/** Requests of ours that wait for an answer or absorb repeated ones. Beyond it a call ends without a BYE. */
const REQUESTS_MAX = 20_000

/** Requests of ours in dialogs: BYE, UPDATE, OPTIONS (RFC 3261 §17.1.2, §12.2.1). */
export class ClientRequests {
  readonly #timers: Timers
  readonly #transports: SipTransports
  readonly #transactions = new Map<string, ClientTransaction>()
  #isStopped = false

  constructor(timers: Timers, transports: SipTransports) {
    this.#timers = timers
    this.#transports = transports
  }

  /**
   * Sends one and waits for its end: the final response, or `timeout` when there was none, or no way to the peer. When the connection ends before the response,
   * which the peer may have done without having read the request, it is sent once more by another way. Never rejects.
   */
  async send(
    dialog: Dialog,
    flow: SipFlow,
    method: string,
    headers: SipHeaders = [],
    body?: Uint8Array,
  ): Promise<ClientOutcome> {
    const request = dialog.request(method, headers, body)
    try {
      const outcome = await this.#try(request, dialog, flow)
      return outcome === 'closed' ? closedIsLate(await this.#try(request, dialog, flow)) : outcome
    } catch {
      return 'timeout'
    }
  }

  async #try(request: SipRequest, dialog: Dialog, flow: SipFlow): Promise<ClientOutcome | 'closed'> {
    const { isRouted, nextHop } = dialog
    const path = await findPath(nextHop, { flow, isRouted, transports: this.#transports })
    const local = await path.flow.findLocal()
    if (this.#isStopped || this.#transactions.size >= REQUESTS_MAX) return 'timeout'
    const branch = MAGIC + randomBytes(BRANCH_BYTES).toString('hex')
    const sentBy = formatHostPort({ address: local.host, port: local.port })
    const bytes = formatSipMessage(withVia(request, `SIP/2.0/${path.protocol} ${sentBy};branch=${branch};rport`))
    const transaction = this.#open(keyOf(branch, request.method), path.isReliable, () => path.send(bytes))
    let isClosed = false
    const forget = path.flow.onClosed(() => {
      isClosed = true
      transaction.terminate()
    })
    const outcome = await transaction.outcome
    forget()
    return isClosed && outcome === 'timeout' ? 'closed' : outcome
  }

  /** A response from the network; one that nobody waits for is dropped (RFC 3261 §18.1.2). */
  receive(response: SipResponse): void {
    const branch = topVia(response)?.branch
    const method = parseCseq(headerOf(response, 'CSeq') ?? '')?.method
    if (branch !== undefined && method !== undefined) this.#transactions.get(keyOf(branch, method))?.receive(response)
  }

  /** Gives up on all, and sends no more. */
  stop(): void {
    this.#isStopped = true
    for (const transaction of [...this.#transactions.values()]) transaction.terminate()
  }

  #open(key: string, isReliable: boolean, send: () => boolean): ClientTransaction {
    const transaction = new ClientTransaction({
      timers: this.#timers,
      isReliable,
      send,
      onTerminated: () => this.#transactions.delete(key),
    })
    this.#transactions.set(key, transaction)
    return transaction
  }
}

const closedIsLate = (outcome: ClientOutcome | 'closed'): ClientOutcome => (outcome === 'closed' ? 'timeout' : outcome)

const keyOf = (branch: string, method: string): string => `${branch} ${method}`

const withVia = (request: SipRequest, via: string): SipRequest => ({
  ...request,
  headers: [['Via', via], ...request.headers],
})
