import type { Uuid } from '../../domain/uuid.ts'
import type { RsSpell, RsState } from '../../protocol/rs-metadata/rs-state.ts'
import { rsUuid } from '../../protocol/rs-metadata/rs-uuid.ts'
import type { MetadataEntry, ReadMetadata } from './read-metadata.ts'

/** A recording's metadata as JSON: all that has been said, with what is over; then each document. What is not known is left out, never null. */
export const formatMetadata = (recordingId: Uuid, { state, history }: ReadMetadata): object => ({
  recording_id: recordingId,
  ...formatItems(state),
  ...formatAssociations(state),
  problems: state.problems,
  history: history.map(formatEntry),
})

const formatItems = ({ groups, sessions, participants, streams }: RsState): object => ({
  groups: groups.map((group) => ({ ...formatId(group.id), ...formatSpell(group) })),
  sessions: sessions.map((session) => ({
    ...formatId(session.id),
    ...(session.groupId !== undefined && { group_id: session.groupId }),
    sip_session_ids: session.sipSessionIds,
    ...(session.reason !== undefined && { reason: session.reason }),
    ...formatSpell(session),
  })),
  participants: participants.map((participant) => ({
    ...formatId(participant.id),
    names: participant.nameIds.map(({ aor, name }) => ({
      ...(aor !== undefined && { aor }),
      ...(name !== undefined && { name }),
    })),
    ...formatSpell(participant),
  })),
  streams: streams.map((stream) => ({
    ...formatId(stream.id),
    ...(stream.sessionId !== undefined && { session_id: stream.sessionId }),
    ...(stream.label !== undefined && { label: stream.label }),
    ...formatSpell(stream),
  })),
})

const formatAssociations = ({ sessionRecordings, attendances, contributions }: RsState): object => ({
  session_recordings: sessionRecordings.map((each) => ({ session_id: each.sessionId, ...formatSpell(each) })),
  participant_sessions: attendances.map(({ params, ...each }) => ({
    participant_id: each.participantId,
    session_id: each.sessionId,
    ...(params.length > 0 && { params: params.map(({ name, value }) => ({ name, value })) }),
    ...formatSpell(each),
  })),
  participant_streams: contributions.map((each) => ({
    participant_id: each.participantId,
    stream_id: each.streamId,
    direction: each.direction,
    ...formatSpell(each),
  })),
})

const formatEntry = ({ sequence, receivedAtMs, byteSize, mode, reason }: MetadataEntry): object => ({
  sequence,
  received_at: formatTime(receivedAtMs),
  ...(mode !== undefined && { mode }),
  byte_size: byteSize,
  ...(reason !== undefined && { reason }),
})

/** An id as the sender writes it, and the UUID that it stands for, if it is one. */
const formatId = (id: string): object => {
  const uuid = rsUuid(id)
  return { id, ...(uuid !== undefined && { uuid }) }
}

const formatSpell = ({ fromMs, toMs }: RsSpell): object => ({
  started_at: formatTime(fromMs),
  ...(toMs !== undefined && { ended_at: formatTime(toMs) }),
})

/** UTC with milliseconds. */
const formatTime = (ms: number): string => new Date(ms).toISOString()
