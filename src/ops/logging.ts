import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import type { Config } from './config.ts'

/** Lines are written in batches of this size or at the latest after the flush interval, so that a log line costs no system call. */
const BATCH_BYTES = 4096
const FLUSH_MS = 200

/** The process's log, and what writes out its last lines. */
export interface Log {
  readonly logger: Logger
  readonly flush: () => void
}

/**
 * A pino logger that writes JSON lines to standard error. Secrets never get here: requests are logged by route pattern, not by URL,
 * and headers are not logged at all.
 */
export const openLog = (config: Pick<Config, 'logLevel'>, stream?: DestinationStream): Log => {
  const options = { level: config.logLevel, base: null, timestamp: stdTimeFunctions.isoTime }
  if (stream) return { logger: pino(options, stream), flush: () => {} }
  const target = destination({ dest: 2, sync: false, minLength: BATCH_BYTES, periodicFlush: FLUSH_MS })
  return { logger: pino(options, target), flush: () => target.flushSync() }
}
