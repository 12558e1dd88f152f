import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SpoolState } from '../../ports/telemetry.ts'
import { isAllowed } from '../../services/access.ts'
import type { Services } from '../../services/services.ts'
import { findCaller, unauthorized } from '../http/authenticate.ts'

/** What operations ask of the process. */
export interface OperationsOptions {
  readonly services: Services
  /** Metrics in Prometheus' text form. */
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** True once a stop has begun: no longer ready, still healthy. */
  readonly isStopping: () => boolean
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/
const CHECKED_FOR_MS = 1_000
const MS_PER_SECOND = 1000

/** Health, readiness and metrics. Metrics are open on loopback, elsewhere they need `management`. */
export const registerOperations = (app: FastifyInstance, options: OperationsOptions): void => {
  const { services } = options
  const check = shareFor(CHECKED_FOR_MS, () => Promise.all([services.catalogue.check(), services.mediaStore.check()]))
  const hidden = { schema: { hide: true } }

  app.get('/healthz', hidden, async () => ({ status: 'ok' }))

  app.get('/readyz', hidden, async (_request, reply) => {
    if (options.isStopping()) return reply.code(503).send({ status: 'stopping' })
    try {
      await check()
      return { status: 'ready', ...(services.shared && { spool: spoolOf(services.shared.spooling.state) }) }
    } catch (error) {
      return reply.code(503).send({ status: 'unavailable', reason: error instanceof Error ? error.message : 'unknown' })
    }
  })

  app.get('/metrics', hidden, async (request, reply) => {
    if (!isLocal(request)) await requireManagement(services, request)
    const { contentType, text } = await options.renderMetrics()
    return reply.type(contentType).send(text)
  })
}

/** A request that a proxy on this machine passed on is not local, even when its X-Forwarded-For is not trusted. */
const isLocal = (request: FastifyRequest): boolean =>
  LOOPBACK.test(request.ip) && request.headers['x-forwarded-for'] === undefined

const requireManagement = async (services: Services, request: FastifyRequest): Promise<void> => {
  const caller = await findCaller(services.access, request)
  if (!caller || !isAllowed(caller, 'management')) throw unauthorized()
}

/** Calls `run` at most once in `ms`; callers in between share its promise, so that probes cannot wear out the disk. */
const shareFor = <T>(ms: number, run: () => Promise<T>): (() => Promise<T>) => {
  let shared: { readonly promise: Promise<T>; readonly untilMs: number } | undefined
  return () => {
    const nowMs = performance.now()
    if (!shared || nowMs >= shared.untilMs) shared = { promise: run(), untilMs: nowMs + ms }
    return shared.promise
  }
}

/** A node whose shared media store is away is ready: it takes calls and uploads, and answers for what it has. */
const spoolOf = ({ waiting, oldestMs, isAway }: SpoolState) => ({
  recordings: waiting,
  oldest_seconds: Math.floor(oldestMs / MS_PER_SECOND),
  away: isAway,
})
