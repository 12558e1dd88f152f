import { parseCseq } from '../../protocol/sip/cseq.ts'
import { headerOf, type SipRequest, type SipResponse } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { InviteTransaction, type ServerTransaction } from './invite-transaction.ts'
import { NonInviteTransaction } from './non-invite-transaction.ts'
import { topVia } from './response-path.ts'
import type { Timers } from './timers.ts'

/** What the branch of a peer that follows RFC 3261 begins with (§8.1.1.7). */
const MAGIC = 'z9hG4bK'

/**
 * What identifies the transaction of a request (RFC 3261 §17.2.3); an ACK and a CANCEL belong to the INVITE's when asked for that. Older peers have no
 * branch of worth: there what a repetition leaves as it is identifies it.
 */
export const transactionKey = (request: SipRequest, method = request.method): string => {
  const via = topVia(request)
  if (via?.branch?.startsWith(MAGIC)) return `${via.branch}\0${via.host.toLowerCase()}:${via.port ?? ''}\0${method}`
  return `${mergeKey(request)}\0${via?.host ?? ''}:${via?.port ?? ''};${via?.branch ?? ''}\0${method}`
}

/** What two copies of one request have in common that came by different ways (RFC 3261 §8.2.2.2). */
export const mergeKey = (request: Pick<SipRequest, 'headers'>): string => {
  const fromTag = parseNameAddr(headerOf(request, 'From') ?? '')?.parameters.get('tag') ?? ''
  const cseq = parseCseq(headerOf(request, 'CSeq') ?? '')
  return `${headerOf(request, 'Call-ID') ?? ''}\0${fromTag}\0${cseq?.sequence ?? ''}`
}

/** The server transactions that run, bounded (RFC 3261 §17.2). */
export class ServerTransactions {
  readonly #timers: Timers
  readonly #transactionsMax: number
  readonly #transactions = new Map<string, ServerTransaction>()
  /** The INVITEs among them that begin dialogs, by {@link mergeKey}. */
  readonly #merged = new Set<string>()

  constructor(timers: Timers, transactionsMax: number) {
    this.#timers = timers
    this.#transactionsMax = transactionsMax
  }

  get size(): number {
    return this.#transactions.size
  }

  find(key: string): ServerTransaction | undefined {
    return this.#transactions.get(key)
  }

  /** True when another transaction already has this request: it came twice, by different ways. */
  isMerged(request: SipRequest): boolean {
    return this.#merged.has(mergeKey(request))
  }

  /** A transaction for a new request; undefined when there are too many. Half of the room is for requests within calls, which no flood may keep out. */
  open(
    request: SipRequest,
    options: {
      readonly isReliable: boolean
      readonly isInCall: boolean
      readonly send: (response: SipResponse) => void
    },
  ): ServerTransaction | undefined {
    const roomFor = options.isInCall ? this.#transactionsMax : this.#transactionsMax / 2
    if (this.#transactions.size >= roomFor) return undefined
    const key = transactionKey(request)
    const merge = request.method === 'INVITE' && !options.isInCall ? mergeKey(request) : undefined
    const Transaction = request.method === 'INVITE' ? InviteTransaction : NonInviteTransaction
    const transaction = new Transaction({
      request,
      isReliable: options.isReliable,
      timers: this.#timers,
      send: options.send,
      onTerminated: () => {
        this.#transactions.delete(key)
        if (merge !== undefined) this.#merged.delete(merge)
      },
    })
    this.#transactions.set(key, transaction)
    if (merge !== undefined) this.#merged.add(merge)
    return transaction
  }

  stop(): void {
    for (const transaction of [...this.#transactions.values()]) transaction.terminate()
  }
}
