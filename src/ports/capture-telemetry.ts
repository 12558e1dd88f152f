import type { EndReason, StreamQuality } from '../domain/call-details.ts'
import type { RecordingStatus } from '../domain/recording.ts'

/** How a live recording ended. */
export interface CaptureReport {
  readonly reason: EndReason
  readonly status: RecordingStatus
  /** From the wish to end it to its final row. */
  readonly settleMs: number
  readonly streams: readonly StreamQuality[]
}

/** What one capture worker is doing; counts are since its start. */
export interface WorkerReport {
  readonly worker: number
  readonly sessions: number
  readonly packets: number
  readonly commits: number
  readonly commitMs: number
  readonly retainedBytes: number
  /** How late its ticks come at worst: near 100 ms and more, packets will be lost. */
  readonly lagMs: number
}

/** What capture reports for operators. Implementations never throw and never block; every name is listed in docs/reference/metrics.md. */
export interface CaptureTelemetry {
  captureEnded(report: CaptureReport): void
  captureRefused(code: string): void
  captureRecovered(recordings: number): void
  captureWorker(report: WorkerReport): void
}
