import type { RecordedCall } from '../../capture/call-recorder.ts'
import type { EndReason } from '../../domain/call-details.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { PeerEnd } from '../../ports/webrtc-peers.ts'
import type { WhipSessionReport } from '../../ports/whip-telemetry.ts'

/** What a session is made of. */
export interface WhipSessionParts {
  /** Of its URL; nobody can guess it. */
  readonly id: string
  readonly projectId: Uuid
  readonly legId: Uuid
  readonly endpoint: string
  /** Digest of the token that made it: who has no such token does not find it. */
  readonly author: string
  /** Names the ICE session (RFC 9725 §4.3.1); strong, with quotes. */
  readonly etag: string
  /** The peer's, of its offer. */
  readonly iceUfrag: string
  readonly recorded: RecordedCall
  readonly setUpMs: number
  readonly answeredAtMs: number
}

const REASONS = { closed: 'hangup', lost: 'media_timeout', broken: 'signalling_lost' } as const satisfies Record<
  PeerEnd,
  EndReason
>

/** Why a recording ends whose peer is gone in this way. */
export const endReasonOf = (end: PeerEnd): EndReason => REASONS[end]

/** One publisher's session. */
export class WhipSession {
  readonly parts: WhipSessionParts
  #ending: Promise<void> | undefined
  #fault: unknown

  constructor(parts: WhipSessionParts) {
    this.parts = parts
  }

  /** Ends the recording; resolves when it is final. Idempotent, never rejects: the report tells. */
  end(reason: EndReason): Promise<void> {
    this.#ending ??= this.parts.recorded.end(reason).catch((error: unknown) => {
      this.#fault = error
    })
    return this.#ending
  }

  async report(nowMs: number): Promise<WhipSessionReport> {
    const { projectId, legId, endpoint, recorded, setUpMs, answeredAtMs } = this.parts
    return {
      recordingId: recorded.recordingId,
      projectId,
      legId,
      endpoint,
      endReason: await recorded.ended,
      setUpMs,
      durationMs: nowMs - answeredAtMs,
      ...(this.#fault !== undefined && { error: this.#fault }),
    }
  }
}
