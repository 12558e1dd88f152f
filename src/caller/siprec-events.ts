import { DURATION_MAX_MS, invalid } from './signal.ts'
import { checkStreamOptions, type ParticipantOptions, type StreamOptions } from './siprec-stream-options.ts'

/** What the metadata that goes with a change holds: only what changed, everything, or there is none. */
export type MetadataMode = 'partial' | 'complete' | 'none'

interface Told {
  /** `partial` unless said. */
  readonly metadata?: MetadataMode
}

/** Something that is done in a recording session. Streams and participants are named by their positions, from 0, in the order in which they came. */
export type SessionAction =
  /** The streams, all unless said, are offered as `inactive` and fall silent; nobody sends them in the metadata. */
  | (Told & { readonly kind: 'hold'; readonly streams?: readonly number[] })
  | (Told & { readonly kind: 'resume'; readonly streams?: readonly number[] })
  /** Metadata alone: by an UPDATE, or by a re-INVITE with the session description as it was. `renames` changes something to tell of. */
  | (Told & {
      readonly kind: 'metadata'
      readonly by?: 'UPDATE' | 'INVITE'
      readonly renames?: { readonly participant: number; readonly name: string }
    })
  /** One participant leaves and another joins: on the same m-line with a source of its own, or on a new line, the old one removed (port 0). */
  | (Told & {
      readonly kind: 'transfer'
      readonly leaves: number
      readonly joins: ParticipantOptions
      /** Absent: the lines of who leaves go on. */
      readonly newStream?: StreamOptions
    })
  /** A participant more, on an m-line more. */
  | (Told & { readonly kind: 'join'; readonly participant: ParticipantOptions; readonly stream: StreamOptions })
  /** A participant less; its m-lines are removed (port 0). */
  | (Told & { readonly kind: 'leave'; readonly participant: number })
  /** New SRTP keys for all lines. */
  | { readonly kind: 'rekey' }
  /** A communication session begins in a persistent recording session (RFC 7866 §10), or the one that runs ends: all lines become active, or inactive. */
  | (Told & { readonly kind: 'begin' })
  | (Told & { readonly kind: 'end' })
  /** The session is refreshed by a re-INVITE that changes nothing and has no metadata. */
  | { readonly kind: 'refresh' }
  | { readonly kind: 'hang-up' }

/** An action at its time after the answer, in the time of the session. */
export type SessionEvent = SessionAction & { readonly atMs: number }

const EVENTS_MAX = 1000

/** Throws CALL_INVALID for an event out of the session's time, for a stream that is none, or for too many. */
export const checkEvents = (events: readonly SessionEvent[], durationMs: number): void => {
  if (events.length > EVENTS_MAX) throw invalid(`At most ${EVENTS_MAX} things happen in a session.`)
  for (const event of events) {
    if (!(event.atMs >= 0 && event.atMs <= DURATION_MAX_MS)) throw invalid('Something happens at 0 ms or later.')
    const stream = event.kind === 'join' ? event.stream : event.kind === 'transfer' ? event.newStream : undefined
    if (stream) checkStreamOptions({ startsAtMs: event.atMs, ...stream }, Math.max(durationMs, event.atMs + 1))
  }
}
