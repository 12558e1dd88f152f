const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const FORCED_EXIT_CODE = 130

/** The wish to stop. The first SIGTERM or SIGINT asks for a graceful stop; a second ends the process at once. */
export class StopSignal {
  /** Resolves when a stop is asked for. */
  readonly requested: Promise<void>
  reason: string | undefined
  readonly #ask: (reason: string) => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.requested = promise
    this.#ask = (reason) => {
      if (this.isRequested) process.exit(FORCED_EXIT_CODE)
      this.reason = reason
      resolve()
    }
    for (const signal of SIGNALS) process.on(signal, this.#ask)
  }

  get isRequested(): boolean {
    return this.reason !== undefined
  }

  /** Gives the signals back to the process. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#ask)
  }
}
