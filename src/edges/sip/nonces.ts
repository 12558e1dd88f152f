import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Timers } from './timers.ts'

const SECRET_BYTES = 32
const RANDOM_BYTES = 8
const TIME_DIGITS = 12
const BODY_DIGITS = TIME_DIGITS + 2 * RANDOM_BYTES
const MAC_DIGITS = 32
const NONCE = /^[0-9a-f]{60}$/

/** How long a challenge may take to be answered, and its nonce be used again with higher counts. */
export const NONCE_LIFETIME_MS = 60_000
/** Nonces in use that are remembered. Beyond it clients are challenged again: no replay ever passes. */
const USED_MAX = 50_000

/**
 * Nonces of Digest challenges (RFC 7616 §5.4, RFC 3261 §22.4). A challenge costs no memory: a nonce carries its time under an HMAC. Only one that a right
 * password has used is remembered, with its highest count.
 */
export class Nonces {
  readonly #timers: Timers
  readonly #secret = randomBytes(SECRET_BYTES)
  /** Highest count of each nonce in use, in the order of first use. */
  readonly #counts = new Map<string, number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  issue(): string {
    const body =
      this.#timers.nowMs().toString(16).padStart(TIME_DIGITS, '0') + randomBytes(RANDOM_BYTES).toString('hex')
    return body + this.#mac(body)
  }

  /**
   * Uses a nonce up to `count`, after the response was found right. False when it is not ours, too old, or was used with this count or a higher
   * one: then the client must be challenged anew, with `stale=true`. Clients without qop have no count and may use a nonce once: 1.
   */
  use(nonce: string, count: number): boolean {
    if (!this.#isFresh(nonce)) return false
    this.#forgetExpired()
    const highest = this.#counts.get(nonce)
    if (count <= (highest ?? 0) || (highest === undefined && this.#counts.size >= USED_MAX)) return false
    this.#counts.set(nonce, count)
    return true
  }

  #isFresh(nonce: string): boolean {
    if (!NONCE.test(nonce)) return false
    const body = nonce.slice(0, BODY_DIGITS)
    if (!timingSafeEqual(Buffer.from(this.#mac(body)), Buffer.from(nonce.slice(BODY_DIGITS)))) return false
    return this.#ageMs(nonce) <= NONCE_LIFETIME_MS
  }

  #ageMs(nonce: string): number {
    return this.#timers.nowMs() - Number.parseInt(nonce.slice(0, TIME_DIGITS), 16)
  }

  /** First uses are in the order of time but for the seconds that clients took, so old ones are in front. */
  #forgetExpired(): void {
    for (const nonce of this.#counts.keys()) {
      if (this.#ageMs(nonce) <= NONCE_LIFETIME_MS) return
      this.#counts.delete(nonce)
    }
  }

  #mac(body: string): string {
    return createHmac('sha256', this.#secret).update(body).digest('hex').slice(0, MAC_DIGITS)
  }
}
