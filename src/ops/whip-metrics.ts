import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { WhipSessionReport, WhipTelemetry } from '../ports/whip-telemetry.ts'

const SET_UP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
const MS_PER_SECOND = 1000

/** The metrics of WebRTC sessions, in the registry of all others. Listed in docs/reference/metrics.md. */
export class WhipMetrics implements WhipTelemetry {
  readonly #sessions: Gauge
  readonly #refused: Counter<'code'>
  readonly #ended: Counter<'reason'>
  readonly #setUpSeconds: Histogram

  constructor(registry: Registry) {
    const registers = [registry]
    this.#sessions = new Gauge({
      name: 'poulsen_whip_sessions',
      help: 'WebRTC sessions that are set up or running.',
      registers,
    })
    this.#refused = new Counter({
      name: 'poulsen_whip_refused_total',
      help: 'WebRTC offers that were not answered.',
      labelNames: ['code'],
      registers,
    })
    this.#ended = new Counter({
      name: 'poulsen_whip_sessions_ended_total',
      help: 'WebRTC sessions ended.',
      labelNames: ['reason'],
      registers,
    })
    this.#setUpSeconds = new Histogram({
      name: 'poulsen_whip_set_up_seconds',
      help: 'From POST to its answer.',
      buckets: SET_UP_BUCKETS,
      registers,
    })
  }

  whipSessionsChanged(sessions: number): void {
    this.#sessions.set(sessions)
  }

  whipRefused(code: string): void {
    this.#refused.inc({ code })
  }

  whipSessionEnded({ endReason, setUpMs }: WhipSessionReport): void {
    this.#ended.inc({ reason: endReason })
    this.#setUpSeconds.observe(setUpMs / MS_PER_SECOND)
  }
}
