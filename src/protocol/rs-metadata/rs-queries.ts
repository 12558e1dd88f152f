import type { RsContribution, RsState } from './rs-state.ts'

/**
 * Whether the sender should be asked for a snapshot (RFC 7866 §9.2): a partial update came before any snapshot, or referred to what nothing is known of. False again
 * once a snapshot has come, and before anything has.
 */
export const needsSnapshot = (state: RsState): boolean => state.isIncomplete

/** The communication sessions that go on and are recorded, in their order. */
export const activeSessions = (state: RsState): RsState['sessions'] => {
  const recorded = new Map(state.sessionRecordings.map(({ sessionId, toMs }) => [sessionId, toMs === undefined]))
  return state.sessions.filter(({ id, toMs }) => toMs === undefined && recorded.get(id) !== false)
}

/**
 * Labels of the streams there are, each once, in the order of the participants that send them; a participant's streams in their own order. Who is on hold, and so sends
 * nothing, keeps the place it had. Streams that nobody has ever been said to send are those of the participants that have sent none, in the order of both: who is
 * on hold from the beginning. What is left comes last.
 */
export const labelsInOrder = (state: RsState): readonly string[] => {
  const senderOf = lastSenders(state)
  const places = new Map(state.participants.map(({ id }, index) => [id, index]))
  const senders = new Set(senderOf.values())
  const silent = state.participants.flatMap(({ id, toMs }, index) =>
    toMs !== undefined || senders.has(id) ? [] : [index],
  )
  const unsent = state.streams.filter(({ id, toMs }) => toMs === undefined && !senderOf.has(id)).map(({ id }) => id)
  const placeOf = (streamId: string): number => {
    const sender = senderOf.get(streamId)
    if (sender === undefined) return silent[unsent.indexOf(streamId)] ?? Number.POSITIVE_INFINITY
    return places.get(sender) ?? places.size
  }
  const streams = state.streams
    .filter(({ label, toMs }) => label !== undefined && toMs === undefined)
    .map((stream, index) => ({ label: stream.label ?? '', place: placeOf(stream.id), index }))
    // Not by subtraction: two streams without a sender are both at infinity.
    .sort((one, other) => (one.place === other.place ? one.index - other.index : one.place < other.place ? -1 : 1))
  return [...new Set(streams.map(({ label }) => label))]
}

/** Ids of the participants that send a stream of this label now, in their order. Several when it is a mix. */
export const sendersOf = (state: RsState, label: string): readonly string[] => {
  const streams = new Set(
    state.streams.filter((stream) => stream.label === label && stream.toMs === undefined).map(({ id }) => id),
  )
  const senders = new Set(
    state.contributions
      .filter((each) => each.direction === 'send' && each.toMs === undefined && streams.has(each.streamId))
      .map(({ participantId }) => participantId),
  )
  const known = state.participants.map(({ id }) => id).filter((id) => senders.has(id))
  return [...new Set([...known, ...senders])]
}

/** Who sends each stream: of several now the first in the order of participants, else who did last. */
const lastSenders = (state: RsState): ReadonlyMap<string, string> => {
  const places = new Map(state.participants.map(({ id }, index) => [id, index]))
  const chosen = new Map<string, RsContribution>()
  for (const each of state.contributions) {
    if (each.direction !== 'send') continue
    const before = chosen.get(each.streamId)
    if (!before || isBetter(each, before, places)) chosen.set(each.streamId, each)
  }
  return new Map([...chosen].map(([streamId, { participantId }]) => [streamId, participantId]))
}

const isBetter = (one: RsContribution, other: RsContribution, places: ReadonlyMap<string, number>): boolean => {
  if (one.toMs === undefined && other.toMs === undefined)
    return (places.get(one.participantId) ?? places.size) < (places.get(other.participantId) ?? places.size)
  if (one.toMs === undefined || other.toMs === undefined) return one.toMs === undefined
  return one.toMs >= other.toMs
}
