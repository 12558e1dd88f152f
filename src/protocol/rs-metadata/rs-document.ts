/**
 * What one metadata document of a recording session says (RFC 7865 §6), as it says it: ids are the sender's texts, without blanks around them; times are Unix
 * milliseconds. Nothing is resolved here: a reference may name what the document does not have.
 */
export interface RsDocument {
  /** `complete`: all there is now; `partial`: what has changed (RFC 7865 §5.1.2). */
  readonly dataMode: RsDataMode
  readonly groups: readonly RsGroup[]
  readonly sessions: readonly RsSession[]
  readonly participants: readonly RsParticipant[]
  readonly streams: readonly RsStream[]
  readonly sessionRecordingAssociations: readonly RsSessionRecordingAssociation[]
  readonly participantSessionAssociations: readonly RsParticipantSessionAssociation[]
  readonly participantStreamAssociations: readonly RsParticipantStreamAssociation[]
  /** What was left out of it, and why; at most {@link PROBLEMS_MAX}. */
  readonly problems: readonly string[]
}

export type RsDataMode = 'complete' | 'partial'

/** When an association began and ended, as far as a document says so. */
export interface RsTimes {
  readonly associatedAtMs: number | undefined
  readonly disassociatedAtMs: number | undefined
}

/** A communication session group (RFC 7865 §6.2). */
export interface RsGroup extends RsTimes {
  readonly id: string
}

/** A communication session: the call that is recorded (RFC 7865 §6.3). */
export interface RsSession {
  readonly id: string
  readonly groupId: string | undefined
  /** Session-IDs (RFC 7989), one for each dialog of it. */
  readonly sipSessionIds: readonly string[]
  /** Why it ended, in the form of a Reason header field: `SIP;cause=486;text="Busy Here"` (RFC 3326). */
  readonly reason: string | undefined
  readonly startedAtMs: number | undefined
  readonly stoppedAtMs: number | undefined
}

/** One name of a participant (RFC 7865 §6.5.1): an address of record, a name to show, or both. */
export interface RsNameId {
  readonly aor: string | undefined
  readonly name: string | undefined
}

/** Who takes part (RFC 7865 §6.5). */
export interface RsParticipant {
  readonly id: string
  readonly nameIds: readonly RsNameId[]
}

/** A media stream of the recording session (RFC 7865 §6.7). */
export interface RsStream {
  readonly id: string
  readonly sessionId: string | undefined
  /** The `a=label` of its line in the session description (RFC 4574). */
  readonly label: string | undefined
  readonly startedAtMs: number | undefined
}

/** A communication session is recorded by this recording session (RFC 7865 §6.4). */
export interface RsSessionRecordingAssociation extends RsTimes {
  readonly sessionId: string
}

/** A capability or a setting of a participant in a session (RFC 7865 §6.6). */
export interface RsParam {
  readonly name: string
  readonly value: string
}

/** A participant takes part in a communication session (RFC 7865 §6.6). */
export interface RsParticipantSessionAssociation extends RsTimes {
  readonly participantId: string
  readonly sessionId: string
  readonly params: readonly RsParam[]
}

/** All streams that a participant sends and receives (RFC 7865 §6.8); one that is on hold sends none. */
export interface RsParticipantStreamAssociation extends RsTimes {
  readonly participantId: string
  /** Ids of streams. */
  readonly send: readonly string[]
  readonly recv: readonly string[]
}

/** Why bytes are no metadata document. */
export interface RsRefusal {
  /** For logs and answers: short, of one line. */
  readonly reason: string
}

export const PROBLEMS_MAX = 100
