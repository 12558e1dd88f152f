import type { RsAttendance, RsSpell, RsState } from './rs-state.ts'
import { ended, isOpen } from './spells.ts'

/**
 * What ends with something else, where the sender leaves it to us to know (RFC 8068 §3.2.3): with a session all in it, with a stream what is sent and received of it, with a participant's
 * part in a session its streams there. A participant with no part in anything is gone.
 */
export const endWhatDepends = (state: RsState): RsState => {
  const sessionEnds = endsById(state.sessions)
  const endWithSession = <T extends RsSpell & { readonly sessionId: string | undefined }>(items: readonly T[]) =>
    items.map((item) => endedIf(item, item.sessionId === undefined ? undefined : sessionEnds.get(item.sessionId)))
  const attendances = endWithSession(state.attendances)
  const streams = endWithSession(state.streams)
  const streamEnds = endsById(streams)
  const leftAt = departuresFrom(attendances, new Map(streams.map(({ id, sessionId }) => [id, sessionId])))
  const contributions = state.contributions.map((each) =>
    endedIf(each, streamEnds.get(each.streamId) ?? leftAt(each.participantId, each.streamId, each.fromMs)),
  )
  const ended = { ...state, attendances, streams, contributions }
  return {
    ...ended,
    sessionRecordings: endWithSession(state.sessionRecordings),
    participants: endParticipants(ended),
  }
}

const endedIf = <T extends RsSpell>(spell: T, endMs: number | undefined): T =>
  endMs === undefined || !isOpen(spell) ? spell : ended(spell, endMs)

const endsById = (items: readonly (RsSpell & { readonly id: string })[]): ReadonlyMap<string, number> =>
  new Map(items.flatMap(({ id, toMs }) => (toMs === undefined ? [] : [[id, toMs]])))

/** When a participant left the session of a stream, or all sessions when the stream names none; undefined while it has not, or when it began to contribute after that. */
const departuresFrom = (
  attendances: readonly RsAttendance[],
  sessionOf: ReadonlyMap<string, string | undefined>,
): ((participantId: string, streamId: string, sinceMs: number) => number | undefined) => {
  const ofParticipant = Map.groupBy(attendances, ({ participantId }) => participantId)
  const leftAt = new Map<string, number | undefined>()
  for (const [participantId, all] of ofParticipant) {
    leftAt.set(keyOf(participantId, undefined), lastEnd(all))
    for (const [sessionId, some] of Map.groupBy(all, (each) => each.sessionId))
      leftAt.set(keyOf(participantId, sessionId), lastEnd(some))
  }
  return (participantId, streamId, sinceMs) => {
    const endMs = leftAt.get(keyOf(participantId, sessionOf.get(streamId)))
    return endMs !== undefined && sinceMs <= endMs ? endMs : undefined
  }
}

const keyOf = (participantId: string, sessionId: string | undefined): string => `${participantId} ${sessionId ?? ''}`

/** When the last of some spells ended; undefined while one goes on. */
const lastEnd = (spells: readonly RsSpell[]): number | undefined =>
  spells.some(isOpen) ? undefined : Math.max(...spells.map(({ toMs }) => toMs ?? 0))

const endParticipants = ({ participants, attendances, contributions }: RsState): RsState['participants'] => {
  const ofParticipant = Map.groupBy(attendances, ({ participantId }) => participantId)
  const contributors = new Set(contributions.filter(isOpen).map(({ participantId }) => participantId))
  return participants.map((participant) => {
    const parts = ofParticipant.get(participant.id)
    if (!parts || contributors.has(participant.id)) return participant
    return endedIf(participant, lastEnd(parts))
  })
}
