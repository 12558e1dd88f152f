import type { Logger } from 'pino'

/** Work that comes back. */
export interface Scheduled {
  /** Asks what runs to end, and waits for it. */
  stop(): Promise<void>
}

/** Runs `work` now and then every `ms`, never twice at once. A failure is logged here, its edge, and the next turn tries again. */
export const every = (ms: number, work: (signal: AbortSignal) => Promise<unknown>, logger: Logger): Scheduled => {
  const ending = new AbortController()
  let running: Promise<void> | undefined
  const turn = () => {
    running ??= work(ending.signal)
      .then(
        (result) => logger.debug({ result }, 'scheduled work done'),
        (err: unknown) => logger.error({ err }, 'scheduled work failed'),
      )
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(turn, ms).unref()
  turn()
  return {
    stop: async () => {
      clearInterval(timer)
      ending.abort()
      await running
    },
  }
}
