import type { EndReason } from '../domain/call-details.ts'
import type { Uuid } from '../domain/uuid.ts'

/** A WHIP session, once, at its end. Holds ids only. */
export interface WhipSessionReport {
  readonly recordingId: Uuid
  readonly projectId: Uuid
  readonly legId: Uuid
  readonly endpoint: string
  readonly endReason: EndReason
  /** From the POST to its 201. */
  readonly setUpMs: number
  readonly durationMs: number
  /** What went wrong while it ended. */
  readonly error?: unknown
}

/** What WHIP reports for operators. Implementations never throw and never block; every name is listed in docs/reference/metrics.md. */
export interface WhipTelemetry {
  /** Sessions that are set up or running now. */
  whipSessionsChanged(sessions: number): void
  /** An offer that was not answered; `code` is that of the error. */
  whipRefused(code: string): void
  whipSessionEnded(report: WhipSessionReport): void
}
