import { formatSnapshotRequest } from '../../protocol/rs-metadata/snapshot-request.ts'
import type { ClientRequests } from './client-requests.ts'
import type { Dialog } from './dialog.ts'
import type { SipFlow } from './flow.ts'
import type { Timers } from './timers.ts'

/** A peer that does not give one is not asked at every update. */
const AGAIN_AFTER_MS = 10_000

/** What is needed to ask. */
export interface SnapshotParts {
  readonly requests: ClientRequests
  readonly timers: Timers
  readonly dialog: Dialog
  readonly flow: SipFlow
  readonly contact: string
  /** What the request is called, as the client says that it takes it. */
  readonly mediaType: string
}

/** Asks the recording client of one session for all of its metadata: an UPDATE without a session description (RFC 7866 §9.2). It answers by one of its own. */
export class SnapshotRequests {
  readonly #parts: SnapshotParts
  #askedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: SnapshotParts) {
    this.#parts = parts
  }

  /** What becomes of it does not matter: without a snapshot the recording has what there is. */
  ask(): void {
    const { requests, timers, dialog, flow, contact, mediaType } = this.#parts
    const nowMs = timers.nowMs()
    if (nowMs - this.#askedAtMs < AGAIN_AFTER_MS) return
    this.#askedAtMs = nowMs
    const body = new TextEncoder().encode(formatSnapshotRequest('An update refers to what is not known here.'))
    const type = ['Content-Type', mediaType] as const
    const disposition = ['Content-Disposition', 'recording-session'] as const
    void requests.send(dialog, flow, 'UPDATE', [['Contact', contact], type, disposition], body)
  }
}
