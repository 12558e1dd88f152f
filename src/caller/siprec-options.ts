import { type CallOptions, checkCallOptions } from './call-options.ts'
import { invalid, LEGS_MAX } from './signal.ts'
import { checkEvents, type SessionEvent } from './siprec-events.ts'
import {
  checkStreamOptions,
  type ParticipantOptions,
  STREAMS_MAX,
  type StreamOptions,
} from './siprec-stream-options.ts'

/** What a client does that the standards do not have it do, but that is met. All absent: a client to the letter. */
export interface SessionQuirks {
  /** The body is the session description alone. */
  readonly withoutMetadata?: boolean
  /** No `a=label`; those of the metadata are nowhere else. */
  readonly withoutLabels?: boolean
  /** The metadata is the first part of the body. */
  readonly metadataFirst?: boolean
  /** `application/rs-metadata`, as RFC 7866 had it before RFC 9806. */
  readonly legacyMediaType?: boolean
  /** No `Require: siprec`. */
  readonly withoutRequire?: boolean
  /** No `+sip.src` in the Contact. */
  readonly withoutFeatureTag?: boolean
  /** `a=sendrecv` in place of `a=sendonly`. */
  readonly offersSendrecv?: boolean
  /** The lines of a body end in LF alone. */
  readonly bareLineFeeds?: boolean
}

/** One recording session (RFC 7866): what is sent in it, by whom, and what happens. */
export interface SessionOptions
  extends Pick<
    CallOptions,
    | 'callId'
    | 'credentials'
    | 'sessionExpiresSeconds'
    | 'refreshes'
    | 'headers'
    | 'answerDeadlineMs'
    | 'cancelAfterMs'
    | 'durationMs'
    | 'speed'
    | 'lingerMs'
    | 'srtp'
  > {
  /** 1 to 8; two unless said. What a stream leaves out differs from stream to stream: label, leg and seed. */
  readonly streams?: readonly StreamOptions[]
  /** Unless said, one for each stream, who sends it. */
  readonly participants?: readonly ParticipantOptions[]
  /** Seeds of streams follow from it. */
  readonly seed?: number
  /** Written as it is where a base64 UUID belongs (RFC 7865 §6.10); a new UUID unless said. */
  readonly communicationSessionId?: string
  /** `sipSessionID`, as `local;remote=…` (RFC 7865 §6.3, RFC 7989). */
  readonly sipSessionId?: string
  /** Base64 UUID of the group that the communication session belongs to. */
  readonly groupId?: string
  /** Begins without a communication session (RFC 7866 §10): all lines inactive, nothing in the metadata, until a `begin`. */
  readonly isPersistent?: boolean
  readonly quirks?: SessionQuirks
  /** What happens, in any order. */
  readonly events?: readonly SessionEvent[]
  /** How a request for a snapshot is followed up (RFC 7866 §9.2); by an UPDATE unless said. */
  readonly answersSnapshotsBy?: 'UPDATE' | 'INVITE' | 'nothing'
}

const PARTICIPANTS_MAX = 100
const TWO: readonly StreamOptions[] = [{}, {}]

/** The streams of a session with what they leave out. */
export const streamsOf = ({ streams = TWO, seed = 1 }: SessionOptions): readonly StreamOptions[] =>
  streams.map((stream, position) => numbered(stream, position, seed))

/** A stream with the label, leg and seed that its position gives it. */
export const numbered = (stream: StreamOptions, position: number, seed: number): StreamOptions => ({
  label: `${position + 1}`,
  leg: position % LEGS_MAX,
  seed: seed + position,
  ...stream,
})

/** The participants of a session that names none: one for each stream. */
export const participantsOf = (options: SessionOptions): readonly ParticipantOptions[] =>
  options.participants ??
  streamsOf(options).map((_, position) => ({
    aor: `sip:participant${position + 1}@example.com`,
    name: `Participant ${position + 1}`,
  }))

/** Throws CALL_INVALID that names what is out of its range. */
export const checkSessionOptions = (options: SessionOptions): void => {
  checkCallOptions({
    durationMs: options.durationMs,
    ...(options.speed !== undefined && { speed: options.speed }),
    ...(options.lingerMs !== undefined && { lingerMs: options.lingerMs }),
  })
  const { streams = TWO, participants = [], events = [], durationMs } = options
  const added = events.filter((event) => event.kind === 'join' || (event.kind === 'transfer' && event.newStream))
  if (streams.length < 1 || streams.length + added.length > STREAMS_MAX)
    throw invalid(`A session has 1 to ${STREAMS_MAX} streams.`)
  if (participants.length > PARTICIPANTS_MAX) throw invalid(`A session has at most ${PARTICIPANTS_MAX} participants.`)
  for (const stream of streams) checkStreamOptions(stream, durationMs)
  checkEvents(events, durationMs)
}
