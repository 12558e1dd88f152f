/** A request that may change a session. */
export interface SessionChange {
  readonly method: string
  /** It makes an offer, or asks for one. */
  readonly hasOffer: boolean
}

/**
 * Requests that change one session, one after the other: what they wait for (ports, a row, metadata on the disk) must not let a later one overtake. A peer has to wait
 * for the answer to an INVITE, an UPDATE or an offer before it sends the next (RFC 3261 §14.1, RFC 3311 §5.1); one that does not gets none of this.
 */
export class SessionChanges {
  readonly #open = new Set<SessionChange>()
  #last: Promise<unknown> = Promise.resolve()
  #queued = 0

  /** Does the work when all before is done; undefined, and nothing is done, when the peer should have waited. At most two wait: an INVITE and an UPDATE. */
  run<T>(change: SessionChange, work: () => Promise<T>): Promise<T> | undefined {
    for (const other of this.#open) {
      if (other.method === change.method || (other.hasOffer && change.hasOffer)) return undefined
    }
    this.#open.add(change)
    return this.queue(work).finally(() => this.#open.delete(change))
  }

  /** Does the work when all before is done: now, when there is nothing. */
  queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queued === 0 ? work() : this.#last.then(work)
    this.#queued += 1
    this.#last = done
      .catch(() => {})
      .finally(() => {
        this.#queued -= 1
      })
    return done
  }
}
