import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { dropManifest } from './adapters/filesystem/backup-folder.ts'
import { acquireServerLock, type ServerLock } from './adapters/sqlite/server-lock.ts'
import { systemIds } from './adapters/system/ids.ts'
import { readNodeId } from './adapters/system/node-id.ts'
import type { CapturePool } from './capture/capture-pool.ts'
import { type CapturePorts, ensureDataDir, openServices } from './compose.ts'
import { prepareCapture } from './compose-capture.ts'
import { isShared } from './compose-stores.ts'
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
import type { BoundAddress } from './edges/sip/transports.ts'
import { registerTokens } from './edges/tokens/routes.ts'
import type { Config } from './ops/config.ts'
import { type Log, openLog } from './ops/logging.ts'
import { Metrics } from './ops/metrics.ts'
import { every, type Scheduled } from './ops/schedule.ts'
import { StopSignal } from './ops/stop-signal.ts'
import { readTls, type TlsFiles, watchTls } from './ops/tls.ts'
import type { RequestReport } from './ports/telemetry.ts'
import { type CallDoors, openCallDoors } from './serve-calls.ts'
import { openWhipDoor, type WhipDoor } from './serve-whip.ts'
import { type Bootstrapped, bootstrap } from './services/bootstrap.ts'
import { takeOver } from './services/migration/incoming.ts'
import { BEAT_EVERY_MS, SETTLE_LOST_EVERY_MS } from './services/node-keeping.ts'
import type { Services } from './services/services.ts'

const SEAL_EVERY_MS = 60 * 60 * 1000
const SWEEP_EVERY_MS = 60 * 60 * 1000
/** Of a store with many millions of objects every pass is many thousands of requests. */
const SHARED_SWEEP_EVERY_MS = 24 * SWEEP_EVERY_MS
const MS_PER_SECOND = 1000
const CLOSE_IDLE_EVERY_MS = 50
const REQUESTS_MS_MIN = 1_000

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
  await dropManifest(config.dataDir)
  const nodeLock = await lockCatalogue(config, log).catch((error: unknown) => {
    lock.release()
    throw error
  })
  const metrics = new Metrics()
  const stop = new StopSignal()
  let services: Services | undefined
  let doors: CallDoors | undefined
  let opening: Promise<WhipDoor | undefined> | undefined
  try {
    const tls = readConfiguredTls(config)
    const opened = await openAll(config, metrics, log)
    services = opened.services
    const { capture } = opened
    await takeOver(services.catalogue)
    await services.nodeKeeping?.beat()
    await services.shared?.spooling.start()
    await services.derivations.dropGrowing()
    const made = await bootstrap(services, given(config))
    const { logger } = log
    opening = openWhipDoor(config, { services, recorder: capture, metrics: metrics.whip, logger })
    // Who waits for it hears of its failure; it is not to be unheard until then.
    opening.catch(() => {})
    doors = await openCallDoors(config, { services, capture, metrics: metrics.calls, logger, tls: tls?.files })
    const whip = await opening
    const app = await buildApp(config, options.version, { services, metrics, log, stop, tls: tls?.files, whip })
    if (tls) app.addHook('onClose', watchTls(tls.paths, certificateOf(app, doors), logger))
    const { addresses } = doors
    const webrtc = whip?.address
    await listen(app, config, lock, (url) =>
      options.print(banner({ ...options, url, addresses, webrtc, config, made })),
    )
    const chores = beginChores(services, logger)
    await stop.requested
    logger.info({ signal: stop.reason }, 'stopping')
    await stopAll(app, { calls: doors, whip }, config.shutdownDeadlineSeconds * MS_PER_SECOND)
    await Promise.all(chores.map((each) => each.stop()))
    logger.info('stopped')
  } finally {
    // Also when the start failed beside it: its process must not stay.
    await (await opening?.catch(() => undefined))?.close()
    await doors?.close()
    await services?.close()
    await nodeLock?.release()
    lock.release()
    stop.dispose()
    log.flush()
  }
}

/** What is done again and again beside the requests. */
const beginChores = (services: Services, logger: Logger): readonly Scheduled[] => {
  const { sealing, sweeping, shared, nodes, nodeKeeping } = services
  const mayIn = async (work: string, ms: number) => nodes === undefined || nodes.lease(work, ms)
  return [
    every(SWEEP_EVERY_MS, (signal) => sweeping.sweep(signal), logger),
    every(SEAL_EVERY_MS, (signal) => sealing.sealUnsealed(signal), logger),
    ...(shared
      ? [
          every(
            SHARED_SWEEP_EVERY_MS,
            async (signal) => (await mayIn('sweep', SHARED_SWEEP_EVERY_MS)) && shared.sweeping.sweep(signal),
            logger,
          ),
        ]
      : []),
    ...(nodeKeeping
      ? [
          every(BEAT_EVERY_MS, () => nodeKeeping.beat(), logger),
          every(BEAT_EVERY_MS, (signal) => nodeKeeping.removeDeleted(signal), logger),
          every(SETTLE_LOST_EVERY_MS, (signal) => nodeKeeping.settleLost(signal), logger),
        ]
      : []),
  ]
}

/** A catalogue in a database can be reached by others; one in the data folder is guarded with that. */
const lockCatalogue = async (config: Config, { logger }: Log) => {
  const { catalogue, dataDir } = config
  if (catalogue === 'sqlite') return undefined
  const { acquireNodeLock } = await import('./adapters/postgres/node-lock.ts')
  const node = isShared(config) ? { nodeId: readNodeId(dataDir) } : {}
  return acquireNodeLock({ url: catalogue, ...node, onTrouble: (err) => logger.error({ err }, 'catalogue lock') })
}

/** The use cases over the data folder, with live capture. */
const openAll = async (config: Config, metrics: Metrics, { logger }: Log) => {
  const onTrouble = (err: unknown, what: string) => logger.error({ err, what }, 'capture')
  const onNotMoved = (err: unknown, what: string) => logger.warn({ err, what }, 'spool')
  const prepared = await prepareCapture(config, { telemetry: metrics.calls, onTrouble })
  let capture: CapturePool | undefined
  const openCapture = (ports: CapturePorts) => {
    capture = prepared(ports)
    return capture
  }
  const services = await openServices(config, { telemetry: metrics, openCapture, onTrouble: onNotMoved })
  return { services, capture: capture as unknown as CapturePool }
}

const readConfiguredTls = ({ tlsCert, tlsKey }: Config) => {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const paths = { cert: tlsCert, key: tlsKey }
  return { paths, files: readTls(paths) }
}

const certificateOf = (app: FastifyInstance, doors: CallDoors) => (files: TlsFiles) => {
  ;(app.server as unknown as TlsServer).setSecureContext(files)
  doors.setCertificate(files)
}

/** Calls first, while recordings can still be asked for; then the requests, for which at least a second is left. */
const stopAll = async (
  app: FastifyInstance,
  doors: { readonly calls: CallDoors; readonly whip: WhipDoor | undefined },
  deadlineMs: number,
): Promise<void> => {
  const begunMs = performance.now()
  await Promise.all([doors.whip?.drain(deadlineMs), doors.calls.drain(deadlineMs)])
  await doors.calls.settle()
  const leftMs = deadlineMs - (performance.now() - begunMs)
  await closeWithin(app, Math.max(REQUESTS_MS_MIN, leftMs))
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
  readonly tls: TlsFiles | undefined
  readonly whip: WhipDoor | undefined
}

const buildApp = async (config: Config, version: string, parts: Parts): Promise<FastifyInstance> => {
  const { services, metrics, log, stop, tls, whip } = parts
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
  const app = buildHttpServer({ logger, onRequestEnded, isStopping, trustedProxies, tls, lane })
  const idleMs = config.uploadIdleSeconds * MS_PER_SECOND
  await registerDocumentation(app, version)
  app.after(() => {
    registerDocumentationPage(app)
    registerRelayRest(app, { services, formatter, publicUrl })
    registerTokens(app, { services, bodyIdleMs: idleMs })
    registerCalls(app, { services, formatter, publicUrl })
    registerIngest(app, { services, ids: systemIds, formatter, publicUrl, idleMs })
    registerMedia(app, services)
    whip?.register(app)
    registerOperations(app, { services, renderMetrics: () => metrics.render(), isStopping })
  })
  metrics.watchDiskFree(() => services.mediaStore.freeBytes())
  const { shared } = services
  if (shared) metrics.watchSpool(() => shared.spooling.state)
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
  const url = `${config.tlsCert ? 'https' : 'http'}://${formatHost(config.host)}:${port}`
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

interface BannerParts {
  readonly version: string
  readonly url: string
  readonly addresses: readonly BoundAddress[]
  readonly webrtc: WhipDoor['address'] | undefined
  readonly config: Config
  readonly made: Bootstrapped | undefined
}

const banner = ({ version, url, addresses, webrtc, config, made }: BannerParts): string => {
  const calls = addresses.map(({ transport, address, port }) => `${transport}:${formatHost(address)}:${port}`)
  const taking = calls.length > 0 ? `Calls are taken on ${calls.join(', ')}\n` : ''
  const publishing = webrtc
    ? `WebRTC (WHIP) is taken at ${url}/whip/…, media on udp:${formatHost(webrtc.address)}:${webrtc.port}\n`
    : ''
  const listening = `Poulsen ${version} listening on ${url}\n${taking}${publishing}`
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
    ...(calls.length > 0 ? ['Or call it from a phone or PBX on this machine: it answers and records.', ''] : []),
    '',
  ].join('\n')
}

const formatHost = (address: string): string => (address.includes(':') ? `[${address}]` : address)
