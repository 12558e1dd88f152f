import type { Logger } from 'pino'
import { systemClock } from './adapters/system/clock.ts'
import type { CapturePool } from './capture/capture-pool.ts'
import { PoulsenError } from './domain/errors.ts'
import { SipServer } from './edges/sip/sip-server.ts'
import type { BoundAddress } from './edges/sip/transports.ts'
import type { CallMetrics } from './ops/call-metrics.ts'
import type { Config } from './ops/config.ts'
import type { TlsFiles } from './ops/tls.ts'
import type { SipCallReport, SipTelemetry } from './ports/sip-telemetry.ts'
import { cachedTrunks } from './services/cached-trunks.ts'
import type { Services } from './services/services.ts'

/** What taking calls needs. */
export interface CallParts {
  readonly services: Services
  readonly capture: CapturePool
  readonly metrics: CallMetrics
  readonly logger: Logger
  readonly tls: TlsFiles | undefined
}

/** The doors of live calls, open. */
export interface CallDoors {
  readonly addresses: readonly BoundAddress[]
  setCertificate(tls: TlsFiles): void
  /** Lets running calls go on until the deadline and hangs up on the rest. */
  drain(deadlineMs: number): Promise<void>
  /** Ends what is left, of whichever door; every recording is final then. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** Starts capture and what takes calls. Rejects with LISTEN_FAILED or MEDIA_… codes. */
export const openCallDoors = async (config: Config, parts: CallParts): Promise<CallDoors> => {
  const { services, capture, metrics, logger, tls } = parts
  await capture.start()
  const sip = new SipServer({
    listen: config.sipListen,
    recorder: capture,
    trunks: cachedTrunks(services.catalogue, systemClock),
    telemetry: reporting(metrics, logger),
    ...(tls && { tls }),
  })
  const addresses = await sip.start().catch(async (error: unknown) => {
    await capture.close()
    throw error
  })
  return {
    addresses,
    setCertificate: (renewed) => sip.setCertificate(renewed),
    drain: (deadlineMs) => sip.drain(deadlineMs),
    settle: () => capture.drain(0),
    close: async () => {
      await sip.stop()
      await capture.close()
    },
  }
}

/** Counts everything, and leaves one line for every call. */
const reporting = (metrics: CallMetrics, logger: Logger): SipTelemetry => ({
  sipRequestAnswered: (method, status) => metrics.sipRequestAnswered(method, status),
  sipCallsChanged: (calls) => metrics.sipCallsChanged(calls),
  sipStranger: (kind) => metrics.sipStranger(kind),
  sipCallEnded: (report) => {
    metrics.sipCallEnded(report)
    const { error } = report
    // What we refuse for want of room is no fault, and in a flood it is many lines: it says why and no more.
    if (error instanceof PoulsenError && error.kind === 'unavailable')
      logger.info({ ...lineOf(report), code: error.code }, 'call')
    else if (error === undefined) logger.info(lineOf(report), 'call')
    else logger.error({ ...lineOf(report), err: error }, 'call')
  },
})

const lineOf = (report: SipCallReport) => ({
  recording_id: report.recordingId,
  project_id: report.projectId,
  trunk_id: report.trunkId,
  leg_id: report.legId,
  transport: report.transport,
  outcome: report.outcome,
  status: report.status,
  end_reason: report.endReason,
  set_up_ms: Math.round(report.setUpMs),
  duration_ms: Math.round(report.durationMs),
})
