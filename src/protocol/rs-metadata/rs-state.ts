import type { RsGroup, RsParam, RsParticipant, RsSession, RsStream } from './rs-document.ts'

/** From when to when something was so, in Unix milliseconds. */
export interface RsSpell {
  readonly fromMs: number
  /** Undefined while it is so; never before `fromMs`. */
  readonly toMs: number | undefined
}

/** A participant takes part in a communication session. One that leaves and comes back has two of these. */
export interface RsAttendance extends RsSpell {
  readonly participantId: string
  readonly sessionId: string
  readonly params: readonly RsParam[]
}

/** A participant sends or receives a stream. One that holds and resumes has two of these. */
export interface RsContribution extends RsSpell {
  readonly participantId: string
  readonly streamId: string
  readonly direction: 'send' | 'recv'
}

/** A communication session is recorded by this recording session. */
export interface RsSessionRecording extends RsSpell {
  readonly sessionId: string
}

/**
 * All that the metadata documents of one recording session have said so far. Ids are those of the documents. What has a `toMs` is over: the sender said so, or a
 * snapshot no longer had it. Lists are in the order in which things were first told of, and those of a snapshot in its own order. Each is bounded; what has been over
 * for longest goes first.
 */
export interface RsState {
  readonly groups: readonly (RsGroup & RsSpell)[]
  readonly sessions: readonly (RsSession & RsSpell)[]
  readonly participants: readonly (RsParticipant & RsSpell)[]
  readonly streams: readonly (RsStream & RsSpell)[]
  readonly sessionRecordings: readonly RsSessionRecording[]
  readonly attendances: readonly RsAttendance[]
  readonly contributions: readonly RsContribution[]
  /** What in the documents was wrong, oldest first, each once; at most {@link PROBLEMS_MAX} of rs-document.ts. */
  readonly problems: readonly string[]
  /** A partial update could not be understood with what is known; see {@link needsSnapshot}. */
  readonly isIncomplete: boolean
  /** A snapshot has been applied. */
  readonly hasSnapshot: boolean
}

/** Nothing has been said yet. */
export const EMPTY_RS_STATE: RsState = {
  groups: [],
  sessions: [],
  participants: [],
  streams: [],
  sessionRecordings: [],
  attendances: [],
  contributions: [],
  problems: [],
  isIncomplete: false,
  hasSnapshot: false,
}
