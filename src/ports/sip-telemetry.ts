import type { EndReason } from '../domain/call-details.ts'
import type { Uuid } from '../domain/uuid.ts'

/** How a trunk's call ended: `recorded` was answered, whatever came after; `refused` and `cancelled` never were. */
export type SipCallOutcome = 'recorded' | 'refused' | 'cancelled'

/** A call of a trunk, once, at its end. Holds ids only: no identities of callers, no credentials, nothing of what was dialled. */
export interface SipCallReport {
  readonly outcome: SipCallOutcome
  /** The final status that its INVITE got. */
  readonly status: number
  readonly callId: string
  readonly legId: Uuid
  readonly trunkId: Uuid
  readonly projectId: Uuid
  readonly transport: 'UDP' | 'TCP' | 'TLS'
  /** Absent when there never was a recording. */
  readonly recordingId?: Uuid
  readonly endReason?: EndReason
  /** From the INVITE to its final status. */
  readonly setUpMs: number
  /** From the answer to the end; 0 when there was no answer. */
  readonly durationMs: number
  /** What went wrong, for `refused` and for recordings whose end failed. */
  readonly error?: unknown
}

/** Why a sender got no further: of no trunk's network, or it did not know the password or lacked the certificate. */
export type StrangerKind = 'network' | 'credentials'

/** What the SIP server reports for operators. Implementations never throw and never block; every name is listed in docs/reference/metrics.md. */
export interface SipTelemetry {
  /** A request of a peer has its final answer; an unknown method is `other`. Repetitions do not count. */
  sipRequestAnswered(method: string, status: number): void
  sipCallEnded(report: SipCallReport): void
  /** Calls that are set up or running now. */
  sipCallsChanged(calls: number): void
  sipStranger(kind: StrangerKind): void
}
