import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { acquireServerLock, type ServerLock } from './adapters/sqlite/server-lock.ts'
import { systemIds } from './adapters/system/ids.ts'
import { ensureDataDir, openServices } from './compose.ts'
import { PoulsenError } from './domain/errors.ts'
import { registerCalls } from './edges/calls/routes.ts'
import { registerDocumentation, registerDocumentationPage } from './edges/http/documentation.ts'
import { RecordingFormatter } from './edges/http/format-recording.ts'
import { buildHttpServer } from './edges/http/server.ts'
import { registerIngest } from './edges/ingest/routes.ts'
import { registerMedia } from './edges/media/routes.ts'
import { registerOperations } from './edges/operations/routes.ts'
import { recordingLane } from './edges/relay-rest/recording-lane.ts'
import { registerRelayRest } from './edges/relay-rest/routes.ts'
import { registerTokens } from './edges/tokens/routes.ts'
import type { Config } from './ops/config.ts'
import { type Log, openLog } from './ops/logging.ts'
import { Metrics } from './ops/metrics.ts'
import { every } from './ops/schedule.ts'
import { StopSignal } from './ops/stop-signal.ts'
import { readTls, watchTls } from './ops/tls.ts'
import type { RequestReport } from './ports/telemetry.ts'
import { type Bootstrapped, bootstrap } from './services/bootstrap.ts'
import type { Services } from './services/services.ts'

const SEAL_EVERY_MS = 60 * 60 * 1000
const SWEEP_EVERY_MS = 60 * 60 * 1000
const MS_PER_SECOND = 1000
const CLOSE_IDLE_EVERY_MS = 50

/** What `serve` needs beside its configuration. */
export interface ServeOptions {
  readonly version: string
  readonly print: (text: string) => void
}

/**
 * Runs the server until a signal: the first start's project and token, the sweeper, the HTTP server, and a stop that finishes what runs.
 * Rejects with one clear PoulsenError when it cannot start.
 */
export const serve = async (config: Config, options: ServeOptions): Promise<void> => {
  const log = openLog(config)
  await ensureDataDir(config.dataDir)
  const lock = acquireServerLock(join(config.dataDir, 'server.lock'), { pid: process.pid })
  const metrics = new Metrics()
  const stop = new StopSignal()
  let services: Services | undefined
  try {
    services = await openServices(config, metrics)
    const made = await bootstrap(services, given(config))
    const app = await buildApp(config, options.version, { services, metrics, log, stop })
    await listen(app, config, lock, (url) => options.print(banner(options.version, url, config, made)))
    const { sealing, sweeping } = services
    const sweeper = every(SWEEP_EVERY_MS, (signal) => sweeping.sweep(signal), log.logger)
    const sealer = every(SEAL_EVERY_MS, (signal) => sealing.sealUnsealed(signal), log.logger)
    await stop.requested
    log.logger.info({ signal: stop.reason }, 'stopping')
    await Promise.all([sweeper.stop(), sealer.stop(), closeWithin(app, config.shutdownDeadlineSeconds * MS_PER_SECOND)])
    log.logger.info('stopped')
  } finally {
    await services?.close()
    lock.release()
    stop.dispose()
    log.flush()
  }
}

const given = ({ bootstrapProjectId, bootstrapToken }: Config) => ({
  ...(bootstrapProjectId !== undefined && { projectId: bootstrapProjectId }),
  ...(bootstrapToken !== undefined && { secret: bootstrapToken }),
})

interface Parts {
  readonly services: Services
  readonly metrics: Metrics
  readonly log: Log
  readonly stop: StopSignal
}

const buildApp = async (config: Config, version: string, parts: Parts): Promise<FastifyInstance> => {
  const { services, metrics, log, stop } = parts
  const tls = config.tlsCert && config.tlsKey ? { cert: config.tlsCert, key: config.tlsKey } : undefined
  const { publicUrl, trustedProxies } = config
  const formatter = new RecordingFormatter(services.playback, config.statusVocabulary)
  const onRequestEnded = (report: RequestReport) => {
    metrics.requestEnded(report)
    log.requestEnded(report)
  }
  const isStopping = () => stop.isRequested
  const hasTrustedProxies = trustedProxies !== undefined
  const lane = recordingLane({ services, formatter, publicUrl, hasTrustedProxies, isStopping, onRequestEnded })
  const { logger } = log
  const app = buildHttpServer({ logger, onRequestEnded, isStopping, trustedProxies, tls: tls && readTls(tls), lane })
  if (tls) app.addHook('onClose', watchTls(tls, app.server, log.logger))
  const idleMs = config.uploadIdleSeconds * MS_PER_SECOND
  await registerDocumentation(app, version)
  app.after(() => {
    registerDocumentationPage(app)
    registerRelayRest(app, { services, formatter, publicUrl })
    registerTokens(app, { services, bodyIdleMs: idleMs })
    registerCalls(app, { services, formatter, publicUrl })
    registerIngest(app, { services, ids: systemIds, formatter, publicUrl, idleMs })
    registerMedia(app, services)
    registerOperations(app, { services, renderMetrics: () => metrics.render(), isStopping })
  })
  metrics.watchDiskFree(() => services.mediaStore.freeBytes())
  return app
}

const listen = async (
  app: FastifyInstance,
  config: Config,
  lock: ServerLock,
  announce: (url: string) => void,
): Promise<void> => {
  await app.listen({ host: config.host, port: config.port }).catch((cause: unknown) => {
    throw cannotListen(config, cause)
  })
  const { port } = app.server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  const url = `${config.tlsCert ? 'https' : 'http'}://${host}:${port}`
  lock.describe(url)
  announce(url)
}

const cannotListen = ({ host, port }: Config, cause: unknown): PoulsenError => {
  const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
  const why = inUse ? 'is already in use' : `cannot be listened on: ${cause instanceof Error ? cause.message : cause}`
  return new PoulsenError({
    code: 'LISTEN_FAILED',
    kind: 'unavailable',
    message: `POULSEN_HOST=${host} POULSEN_PORT=${port} ${why}.`,
    hint: 'Choose another, or 0 for any free port.',
    cause,
  })
}

/** Closes the server: running requests finish, and what still runs at the deadline is cut. */
const closeWithin = async (app: FastifyInstance, deadlineMs: number): Promise<void> => {
  const deadline = setTimeout(() => app.server.closeAllConnections(), deadlineMs)
  // A connection that was busy when the stop began becomes idle when its answer is out.
  const idle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS)
  await app.close()
  clearTimeout(deadline)
  clearInterval(idle)
}

const banner = (version: string, url: string, config: Config, made: Bootstrapped | undefined): string => {
  const listening = `Poulsen ${version} listening on ${url}\n`
  if (!made || config.bootstrapToken !== undefined) return listening
  const insecure = config.tlsCert ? '-k ' : ''
  return [
    listening,
    `  project  ${made.projectId}`,
    `  token    ${made.secret}   (shown only now; \`npm run poulsen -- token create\` makes more)`,
    '',
    'Put a call recording in, and get it out:',
    '',
    `curl ${insecure}-u ${made.projectId}:${made.secret} -H 'Content-Type: audio/wav' --data-binary @assets/call.wav '${url}/v1/recordings?leg_type=sip'`,
    `curl ${insecure}-u ${made.projectId}:${made.secret} '${url}/api/relay/rest/recordings'`,
    '',
    '',
  ].join('\n')
}
