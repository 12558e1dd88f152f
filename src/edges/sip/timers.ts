/** Forgets a timer; nothing happens when it has gone off. */
export type Cancel = () => void

/** Time and what happens later, so that tests can hold both. */
export interface Timers {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Calls `work` once, `delayMs` from now. */
  after(delayMs: number, work: () => void): Cancel
}

/** Longest delay that the platform's timers keep; longer ones would go off at once. */
export const DELAY_MAX_MS = 2 ** 31 - 1

/** Round-trip estimate; first retransmission after it (RFC 3261 §17.1.1.1). */
export const T1_MS = 500
/** Longest time between two retransmissions. */
export const T2_MS = 4_000
/** How long a message may stay in the network. */
export const T4_MS = 5_000
/** Timers B, F, H, J and L: after it the other side is taken for gone (RFC 3261 §17, RFC 6026 §7.1). */
export const TRANSACTION_TIMEOUT_MS = 64 * T1_MS

/** The machine's clock and timers. */
export const systemTimers: Timers = {
  nowMs: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, Math.min(delayMs, DELAY_MAX_MS))
    return () => clearTimeout(timer)
  },
}
