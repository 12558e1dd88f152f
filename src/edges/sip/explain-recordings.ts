import type { TrunkLayout } from '../../domain/trunk.ts'
import { sendersOf } from '../../protocol/rs-metadata/rs-queries.ts'
import type { RsState } from '../../protocol/rs-metadata/rs-state.ts'
import type { ExplainedStream } from '../../protocol/siprec/explained-streams.ts'
import type { ExplainedChannel, ExplainedParticipant, ExplainedRecording } from '../../protocol/siprec/explanation.ts'
import type { ExplainedAnswer } from './explain-answer.ts'

/** Who the metadata tells of, with the labels of what they send and hear. */
export const explainParticipants = (state: RsState): readonly ExplainedParticipant[] => {
  const labelOf = new Map(state.streams.map(({ id, label }) => [id, label]))
  const labels = (participantId: string, direction: 'send' | 'recv') =>
    state.contributions
      .filter((each) => each.participantId === participantId && each.direction === direction && each.toMs === undefined)
      .flatMap(({ streamId }) => labelOf.get(streamId) ?? [])
  return state.participants.map(({ id, nameIds }) => {
    const aor = nameIds.find((each) => each.aor !== undefined)?.aor
    const name = nameIds.find((each) => each.name !== undefined)?.name
    return {
      ...(aor !== undefined && { aor }),
      ...(name !== undefined && { name }),
      sends: labels(id, 'send'),
      receives: labels(id, 'recv'),
    }
  })
}

/** The recordings that would be made of the accepted lines, and who is heard in which channel. */
export const explainRecordings = (
  { isSession, terms }: ExplainedAnswer,
  streams: readonly ExplainedStream[],
  state: RsState,
  layout: TrunkLayout,
): readonly ExplainedRecording[] => {
  const taken = streams.filter(({ answered }) => answered !== 'refused')
  const channel = (name: ExplainedChannel['channel'], those: readonly ExplainedStream[]): ExplainedChannel => ({
    channel: name,
    lines: those.map(({ line }) => line),
    who: [...new Set(those.flatMap(({ label }) => (label === undefined ? [] : namesOf(state, label))))],
  })
  if (taken.length === 0) return []
  if (!isSession) return [{ track: 'inbound', channels: [channel('mono', taken)] }]
  if (layout === 'separate') {
    return taken.map((stream, index) => ({
      track: index === 0 ? ('inbound' as const) : ('outbound' as const),
      channels: [channel('mono', [stream])],
    }))
  }
  // One stream is one channel in any layout.
  if (layout === 'mono' || taken.length === 1) return [{ track: 'both', channels: [channel('mono', taken)] }]
  // The terms are of the accepted lines, in their order.
  const of = (wanted: number) => taken.filter((_, index) => terms.streams[index]?.channel === wanted)
  return [{ track: 'both', channels: [channel('left', of(0)), channel('right', of(1))] }]
}

/** Those that send a stream, by name, else by address. */
const namesOf = (state: RsState, label: string): readonly string[] =>
  sendersOf(state, label).map((sender) => {
    const nameIds = state.participants.find(({ id }) => id === sender)?.nameIds ?? []
    return nameIds.find(({ name }) => name !== undefined)?.name ?? nameIds[0]?.aor ?? sender
  })
