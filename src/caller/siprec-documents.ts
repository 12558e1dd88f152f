import type {
  AssociationElement,
  MetadataDocument,
  ParticipantElement,
  ParticipantStreamElement,
  SessionElement,
  StreamElement,
} from './siprec-metadata.ts'
import type { SessionOptions } from './siprec-options.ts'
import { type CommunicationState, isSending, type ParticipantState, type SessionState } from './siprec-state.ts'

const NOTHING: Omit<MetadataDocument, 'dataMode'> = {
  sessions: [],
  participants: [],
  streams: [],
  sessionRecordings: [],
  participantSessions: [],
  participantStreams: [],
}

/** Everything about a session as it is (RFC 7866 §9.1); without a communication session there is nothing to tell. */
export const completeDocument = (
  state: SessionState,
  options: Pick<SessionOptions, 'groupId' | 'sipSessionId'>,
): MetadataDocument => {
  const { communication } = state
  if (!communication) return { dataMode: 'complete', ...NOTHING }
  const present = state.participants.filter(({ isGone }) => !isGone)
  return {
    dataMode: 'complete',
    ...(options.groupId !== undefined && { groupId: options.groupId }),
    sessions: [sessionOf(communication, options)],
    participants: present.map(participantOf),
    streams: streamsOf(state, communication.id),
    sessionRecordings: [{ sessionId: communication.id, from: communication.startedAt }],
    participantSessions: present.map((participant) => associationOf(participant, communication.id)),
    participantStreams: present.map((participant) => participantStreamOf(state, participant)),
  }
}

/** What is different now from what was told before, and who or what has ended `at` this time (RFC 3339). */
export const partialDocument = (
  before: SessionState,
  now: SessionState,
  options: Pick<SessionOptions, 'groupId' | 'sipSessionId'>,
  at: string,
): MetadataDocument => {
  const [told, whole] = [completeDocument(before, options), completeDocument(now, options)]
  const stopped = told.sessions.filter(({ id }) => id !== now.communication?.id)
  const gone = told.participantSessions.filter(
    ({ participantId }) => !whole.participantSessions.some((each) => each.participantId === participantId),
  )
  return {
    dataMode: 'partial',
    sessions: [...stopped.map((session) => ({ ...session, stopTime: at })), ...newIn(told.sessions, whole.sessions)],
    participants: newIn(told.participants, whole.participants),
    streams: newIn(told.streams, whole.streams),
    sessionRecordings: [
      ...stopped.map(({ id }): AssociationElement => ({ sessionId: id, to: at })),
      ...newIn(told.sessionRecordings, whole.sessionRecordings),
    ],
    participantSessions: [
      ...gone.map((each) => ({ ...each, to: at })),
      ...newIn(told.participantSessions, whole.participantSessions),
    ],
    participantStreams: newIn(told.participantStreams, whole.participantStreams),
  }
}

/** What was not there in the same words. */
const newIn = <Each>(before: readonly Each[], now: readonly Each[]): readonly Each[] => {
  const known = new Set(before.map((each) => JSON.stringify(each)))
  return now.filter((each) => !known.has(JSON.stringify(each)))
}

const sessionOf = (
  { id, startedAt }: CommunicationState,
  { groupId, sipSessionId }: Pick<SessionOptions, 'groupId' | 'sipSessionId'>,
): SessionElement => ({
  id,
  ...(sipSessionId !== undefined && { sipSessionId }),
  ...(groupId !== undefined && { groupId }),
  startTime: startedAt,
})

const participantOf = ({ id, aor, name }: ParticipantState): ParticipantElement => ({
  id,
  aor,
  ...(name !== undefined && { name }),
})

const streamsOf = ({ streams }: SessionState, sessionId: string): readonly StreamElement[] =>
  streams
    .filter(({ isRemoved }) => !isRemoved)
    .map(({ id, options: { label } }) => ({ id, sessionId, ...(label !== undefined && { label }) }))

const associationOf = ({ id, joinedAt }: ParticipantState, sessionId: string): AssociationElement => ({
  participantId: id,
  sessionId,
  from: joinedAt,
})

/** It hears whatever it does not say itself. */
const participantStreamOf = (state: SessionState, { id, streams }: ParticipantState): ParticipantStreamElement => {
  const sent = state.streams
    .map((stream, position) => ({ ...stream, position }))
    .filter((each) => isSending(state, each))
  return {
    participantId: id,
    sends: sent.filter(({ position }) => streams.includes(position)).map((stream) => stream.id),
    receives: sent.filter(({ position }) => !streams.includes(position)).map((stream) => stream.id),
  }
}
