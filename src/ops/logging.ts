import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { RequestReport } from '../ports/telemetry.ts'
import type { Config } from './config.ts'

/** Lines are written in batches of this size or at the latest after the flush interval, so that a log line costs no system call. */
const BATCH_BYTES = 16_000
const FLUSH_MS = 200
const LEVEL_INFO = 30

/** The process's log, and what writes out its last lines. */
export interface Log {
  readonly logger: Logger
  /** The one line that every request leaves, at level `info`. */
  readonly requestEnded: (report: RequestReport) => void
  readonly flush: () => void
}

/**
 * A pino logger that writes JSON lines to standard error. Secrets never get here: requests are logged by route pattern, not by URL,
 * and headers are not logged at all.
 */
export const openLog = (config: Pick<Config, 'logLevel'>, stream?: DestinationStream): Log => {
  const target = stream ?? destination({ dest: 2, sync: false, minLength: BATCH_BYTES, periodicFlush: FLUSH_MS })
  const isoTime = makeIsoTime()
  const timestamp = () => `,"time":"${isoTime()}"`
  const logger = pino({ level: config.logLevel, base: null, timestamp }, target)
  let lines = ''
  const writeLines = () => {
    if (lines !== '') target.write(lines)
    lines = ''
  }
  const requestEnded = (report: RequestReport) => {
    if (!logger.isLevelEnabled('info')) return
    // The lines of one turn of the event loop go as one.
    if (lines === '') setImmediate(writeLines)
    lines += formatRequest(report, isoTime())
  }
  const flush = () => {
    writeLines()
    if ('flushSync' in target) (target as ReturnType<typeof destination>).flushSync()
  }
  return { logger, requestEnded, flush }
}

/** What pino would write, at a fifth of its cost: every value is a number, an id or one of a few fixed words, and wants no escaping. */
const formatRequest = (report: RequestReport, time: string): string => {
  const { requestId, projectId, method, route, status, ms } = report
  const project = projectId === undefined ? '' : `"project_id":"${projectId}",`
  return (
    `{"level":${LEVEL_INFO},"time":"${time}","request_id":"${requestId}",${project}"method":"${method}",` +
    `"route":"${route}","status":${status},"ms":${ms.toFixed(3)},"msg":"request"}\n`
  )
}

/** Makes a function that gives the time now; under load many lines share a millisecond. */
const makeIsoTime = (): (() => string) => {
  let lastMs = 0
  let text = ''
  return () => {
    const ms = Date.now()
    if (ms !== lastMs) text = new Date(ms).toISOString()
    lastMs = ms
    return text
  }
}
