import type { MediaReport } from './call-media.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { Expectation } from './compare.ts'
import type { RemoteLine } from './read-description.ts'
import type { SignalPlan } from './signal.ts'
import type { InviteFailure } from './sip-caller.ts'
import type { CallEnd, ModifyOutcome, SipDialog } from './sip-dialog.ts'
import type { SessionAction } from './siprec-events.ts'
import type { CommunicationState } from './siprec-state.ts'

/** What the other side says about all m-lines, each in its place. */
export interface RemoteLines {
  readonly lines: readonly RemoteLine[]
  /** What was agreed on for each; undefined for a line that is refused or removed. */
  readonly codecs: readonly (CallerCodec | undefined)[]
}

/** What became of one stream. */
export interface StreamOutcome {
  /** Absent where the offer had none. */
  readonly label?: string
  readonly leg: number
  /** What was said and what of it must be missing, in the stream's own time, whose 0 is its first frame; see {@link onTimeline}. */
  readonly plan: SignalPlan
  readonly expectation: Expectation
  /** Unix time of the first frame, whether it was sent or not; parts of a millisecond count. */
  readonly beginsAtUnixMs: number
  /** Absent when the answer refused the stream. */
  readonly codec?: CallerCodec
  readonly sent: MediaReport
  /** Its line in the latest answer: port, direction and the rest. */
  readonly remote: RemoteLine
}

/** A change that was asked for, by either side, and what came of it. */
export interface SessionExchange {
  readonly kind: SessionAction['kind'] | 'snapshot'
  /** After the answer to the INVITE. */
  readonly atMs: number
  readonly tookMs: number
  readonly outcome: ModifyOutcome<RemoteLines>
}

/** A request of the server within the session. */
export interface ServerRequest {
  readonly method: string
  /** Of its body; absent without one. */
  readonly contentType?: string
  readonly atMs: number
  /** Of our answer. */
  readonly status: number
}

/** A session that was answered and ended. */
export interface CompletedSession {
  readonly kind: 'completed'
  readonly callId: string
  /** The communication sessions that there were, in order: usually one, none in a persistent recording session without. */
  readonly communications: readonly CommunicationState[]
  /** Each at its position. */
  readonly streams: readonly StreamOutcome[]
  readonly exchanges: readonly SessionExchange[]
  readonly requests: readonly ServerRequest[]
  readonly end: CallEnd
  /** Session refreshes of ours that were answered. */
  readonly refreshCount: number
  readonly answeredAfterMs: number
  /** Unix times. */
  readonly answeredAtMs: number
  readonly endedAtMs: number
  /** How long the answer to our BYE took; absent when the session ended otherwise, or nobody answered. */
  readonly byeAnsweredAfterMs?: number
}

/**
 * A session that was not answered, or whose server broke the rules: in its answer, or in anything later (`wrong-answer`, and the session was hung up). The
 * answer must have as many m-lines as the offer, in their order and with their labels, only `recvonly` or `inactive`, and `+sip.srs` in its Contact.
 */
export interface FailedSession {
  readonly kind: 'failed'
  readonly callId: string
  readonly invite: InviteFailure
}

/** How a session went. */
export type SessionOutcome = CompletedSession | FailedSession

/** A session that has been answered and whose media runs. */
export interface RunningSession {
  readonly kind: 'running'
  readonly callId: string
  /** So far. */
  readonly communications: readonly CommunicationState[]
  readonly answeredAfterMs: number
  /** The streams' lines in the answer, each at its position. */
  readonly lines: readonly RemoteLine[]
  /** Its dialog: for requests of one's own. */
  readonly sip: SipDialog<RemoteLines>
  /** Does something now, behind what is being done; undefined when it needs no request. Resolves when the server has answered and the media has followed. */
  act(action: SessionAction): Promise<ModifyOutcome<RemoteLines> | undefined>
  /** Requests of the server so far. */
  readonly requests: readonly ServerRequest[]
  /** Hangs up before its time. */
  hangUp(): void
  readonly outcome: Promise<SessionOutcome>
}
