import { invalid } from './signal.ts'
import type { SessionAction } from './siprec-events.ts'
import { numbered, participantsOf, type SessionOptions, streamsOf } from './siprec-options.ts'
import type { ParticipantOptions, StreamOptions } from './siprec-stream-options.ts'
import { newUuid, type TwofoldUuid } from './uuid-text.ts'

/** A stream as it is now. */
export interface StreamState {
  /** Base64 UUID. */
  readonly id: string
  readonly options: StreamOptions
  readonly isHeld: boolean
  /** Its line is removed (port 0); its position stays. */
  readonly isRemoved: boolean
}

/** A participant as it is now. */
export interface ParticipantState {
  /** Base64 UUID. */
  readonly id: string
  readonly aor: string
  readonly name?: string
  /** Positions of the streams that carry its voice. */
  readonly streams: readonly number[]
  /** RFC 3339. */
  readonly joinedAt: string
  readonly isGone: boolean
}

/** A communication session as it is now. */
export interface CommunicationState {
  /** As it is written. */
  readonly id: string
  /** Absent when the id was given. */
  readonly uuid?: string
  readonly startedAt: string
}

/** A recording session as it is now: its session description and its metadata follow from it. */
export interface SessionState {
  readonly streams: readonly StreamState[]
  readonly participants: readonly ParticipantState[]
  /** Absent: none runs, and all lines are inactive. */
  readonly communication?: CommunicationState
}

/** How a session begins. `at` is RFC 3339. */
export const initialState = (options: SessionOptions, at: string): SessionState => ({
  streams: streamsOf(options).map(newStream),
  participants: participantsOf(options).map((participant, position) => newParticipant(participant, [position], at)),
  ...(options.isPersistent ? {} : { communication: newCommunication(options, at) }),
})

/** What an action makes of a session; the same when it changes nothing. Throws CALL_INVALID for a position that is none. */
export const nextState = (
  state: SessionState,
  action: SessionAction,
  { options, at }: { readonly options: SessionOptions; readonly at: string },
): SessionState => {
  switch (action.kind) {
    case 'hold':
    case 'resume':
      return withHeld(state, action.streams, action.kind === 'hold')
    case 'metadata':
      return action.renames ? withName(state, action.renames) : state
    case 'transfer': {
      const { streams } = participantAt(state, action.leaves)
      if (!action.newStream) return added(withoutParticipant(state, action.leaves, false), action.joins, streams, at)
      const [extended, position] = withStream(withoutParticipant(state, action.leaves, true), action.newStream, options)
      return added(extended, action.joins, [position], at)
    }
    case 'join': {
      const [extended, position] = withStream(state, action.stream, options)
      return added(extended, action.participant, [position], at)
    }
    case 'leave':
      return withoutParticipant(state, action.participant, true)
    case 'begin':
      return { ...state, communication: newCommunication(options, at) }
    case 'end': {
      const { communication: _ended, ...rest } = state
      return rest
    }
    default:
      return state
  }
}

/** Whether a stream is to be heard. */
export const isSending = ({ communication }: SessionState, { isHeld, isRemoved }: StreamState): boolean =>
  communication !== undefined && !isHeld && !isRemoved

const newStream = (options: StreamOptions): StreamState => ({
  id: newUuid().text,
  options,
  isHeld: options.isInactiveAtFirst ?? false,
  isRemoved: false,
})

const newParticipant = (
  { aor, name, streams }: ParticipantOptions,
  otherwise: readonly number[],
  joinedAt: string,
): ParticipantState => ({
  id: newUuid().text,
  aor,
  ...(name !== undefined && { name }),
  streams: streams ?? otherwise,
  joinedAt,
  isGone: false,
})

const newCommunication = (options: SessionOptions, startedAt: string): CommunicationState => {
  const { uuid, text }: TwofoldUuid = newUuid()
  const given = options.communicationSessionId
  return given === undefined ? { id: text, uuid, startedAt } : { id: given, startedAt }
}

const participantAt = ({ participants }: SessionState, position: number): ParticipantState => {
  const participant = participants[position]
  if (!participant || participant.isGone) throw invalid(`There is no participant ${position}.`)
  return participant
}

const withHeld = (state: SessionState, positions: readonly number[] | undefined, isHeld: boolean): SessionState => {
  const wrong = positions?.find((position) => state.streams[position] === undefined)
  if (wrong !== undefined) throw invalid(`There is no stream ${wrong}.`)
  const isMeant = (position: number) => positions === undefined || positions.includes(position)
  return {
    ...state,
    streams: state.streams.map((stream, position) => (isMeant(position) ? { ...stream, isHeld } : stream)),
  }
}

const withName = (state: SessionState, { participant, name }: { participant: number; name: string }): SessionState => {
  const renamed = { ...participantAt(state, participant), name }
  return { ...state, participants: state.participants.with(participant, renamed) }
}

const withoutParticipant = (state: SessionState, position: number, removesLines: boolean): SessionState => {
  const gone = { ...participantAt(state, position), isGone: true }
  const isIts = (stream: number) => removesLines && gone.streams.includes(stream)
  return {
    ...state,
    participants: state.participants.with(position, gone),
    streams: state.streams.map((stream, each) => (isIts(each) ? { ...stream, isRemoved: true } : stream)),
  }
}

const withStream = (
  state: SessionState,
  stream: StreamOptions,
  { seed = 1 }: SessionOptions,
): readonly [SessionState, number] => {
  const position = state.streams.length
  return [{ ...state, streams: [...state.streams, newStream(numbered(stream, position, seed))] }, position]
}

const added = (
  state: SessionState,
  participant: ParticipantOptions,
  streams: readonly number[],
  at: string,
): SessionState => ({ ...state, participants: [...state.participants, newParticipant(participant, streams, at)] })
