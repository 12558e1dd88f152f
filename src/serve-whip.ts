import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { systemClock } from './adapters/system/clock.ts'
import { systemIds } from './adapters/system/ids.ts'
import { openWebRtcPeers } from './adapters/webrtc/peers.ts'
import type { CallRecorder } from './capture/call-recorder.ts'
import { registerDemoPage } from './edges/whip/demo-page.ts'
import { registerWhip } from './edges/whip/routes.ts'
import { registerPublishTokens } from './edges/whip/token-routes.ts'
import { WhipSessions } from './edges/whip/whip-sessions.ts'
import type { Config } from './ops/config.ts'
import type { WhipMetrics } from './ops/whip-metrics.ts'
import type { WhipSessionReport, WhipTelemetry } from './ports/whip-telemetry.ts'
import type { Services } from './services/services.ts'

const MS_PER_SECOND = 1000

/** What WebRTC ingest needs. */
export interface WhipParts {
  readonly services: Services
  readonly recorder: CallRecorder
  readonly metrics: WhipMetrics
  readonly logger: Logger
}

/** The door of WebRTC, open. */
export interface WhipDoor {
  /** Where peers send their media. */
  readonly address: { readonly address: string; readonly port: number }
  register(app: FastifyInstance): void
  /** Lets running sessions go on until the deadline and ends the rest; every recording is final then. */
  drain(deadlineMs: number): Promise<void>
  close(): Promise<void>
}

/** Starts WebRTC transport; undefined when it is turned off. Rejects with LISTEN_FAILED. */
export const openWhipDoor = async (config: Config, parts: WhipParts): Promise<WhipDoor | undefined> => {
  const { services, recorder, metrics, logger } = parts
  const { webrtcListen: listen, publicUrl } = config
  if (listen === null) return undefined
  const peers = await openWebRtcPeers({
    entry: new URL(`./webrtc-transport${extname(import.meta.filename)}`, import.meta.url),
    listen,
    onTrouble: (err) => logger.error({ err }, 'webrtc'),
  })
  const sessions = new WhipSessions({
    recorder,
    peers,
    clock: systemClock,
    ids: systemIds,
    telemetry: reporting(metrics, logger),
    publicAddress: config.webrtcPublicAddress,
    projectMax: config.webrtcProjectMax,
    wavRateHz: config.webrtcWavRate,
  })
  const bodyIdleMs = config.uploadIdleSeconds * MS_PER_SECOND
  return {
    address: { address: listen.address, port: peers.port },
    register: (app) => {
      registerPublishTokens(app, { services, publicUrl, bodyIdleMs })
      registerWhip(app, {
        services,
        sessions,
        clock: systemClock,
        publicUrl,
        iceServers: config.webrtcIceServers ?? [],
        origins: config.webrtcOrigins,
        postsPerSecond: config.webrtcPostsPerSecond,
        bodyIdleMs,
      })
      if (config.webrtcDemo === 'on') registerDemoPage(app)
    },
    drain: (deadlineMs) => sessions.drain(deadlineMs),
    close: () => peers.close(),
  }
}

/** Counts everything, and leaves one line for every session. */
const reporting = (metrics: WhipMetrics, logger: Logger): WhipTelemetry => ({
  whipSessionsChanged: (sessions) => metrics.whipSessionsChanged(sessions),
  whipRefused: (code) => metrics.whipRefused(code),
  whipSessionEnded: (report) => {
    metrics.whipSessionEnded(report)
    if (report.error === undefined) logger.info(lineOf(report), 'whip')
    else logger.error({ ...lineOf(report), err: report.error }, 'whip')
  },
})

const lineOf = (report: WhipSessionReport) => ({
  recording_id: report.recordingId,
  project_id: report.projectId,
  leg_id: report.legId,
  endpoint: report.endpoint,
  end_reason: report.endReason,
  set_up_ms: Math.round(report.setUpMs),
  duration_ms: Math.round(report.durationMs),
})
