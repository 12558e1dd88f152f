import { setTimeout as delay } from 'node:timers/promises'
import { unavailable } from '../sql/errors.ts'

const PROBE_EVERY_MS = 500

/**
 * Whether the database answers. When it has once not answered in time, nobody else waits for it: work is refused at once, until a probe comes through. A call is
 * refused within a moment then, not after a time-out of its own.
 */
export class Availability {
  readonly #probe: () => Promise<unknown>
  readonly #over = new AbortController()
  #isAway = false

  constructor(probe: () => Promise<unknown>) {
    this.#probe = probe
  }

  /** Throws CATALOGUE_UNAVAILABLE while it is away, or closed. */
  require(): void {
    if (this.#over.signal.aborted) throw unavailable('The catalogue is closed.', 'The server is stopping.')
    if (this.#isAway)
      throw unavailable(
        'The catalogue (PostgreSQL) does not answer.',
        'It is asked again and again: try again in a moment.',
      )
  }

  /** It has not answered: asks it until it does. */
  suspect(): void {
    if (this.#isAway || this.#over.signal.aborted) return
    this.#isAway = true
    void this.#ask()
  }

  close(): void {
    this.#over.abort()
  }

  async #ask(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      try {
        await this.#probe()
        this.#isAway = false
        return
      } catch {
        // Who was refused has heard of it; here it only means that it is not back.
        await delay(PROBE_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }
}
