import { withoutClashes } from './clashes.ts'
import { endWhatDepends } from './endings.ts'
import { updateItems } from './known-items.ts'
import { unknownReferences } from './references.ts'
import { PROBLEMS_MAX, type RsDocument, type RsTimes } from './rs-document.ts'
import type { RsContribution, RsState } from './rs-state.ts'
import { applyClaims, bounded, type Claim, isOpen } from './spells.ts'

/** How many of each are kept of one recording session; one that is persistent (RFC 7866 §10) may go on for weeks. */
export const KEPT_MAX = {
  groups: 256,
  sessions: 512,
  participants: 1024,
  streams: 1024,
  sessionRecordings: 512,
  attendances: 1024,
  contributions: 2048,
} as const

/**
 * What is known after a document that came at `receivedAtMs`, in Unix milliseconds (RFC 7866 §9.1). Snapshots replace what goes on now, partial updates
 * change it by id; what is over stays as history. Where a document does not say when something began or ended, it was when the document came. What two things share as
 * an id is ignored; that and references to what is not known are noted as problems. Pure; costs what is known and what is said.
 */
export const applyRsDocument = (state: RsState, document: RsDocument, receivedAtMs: number): RsState => {
  const clean = withoutClashes(state, document)
  const items = updateItems(state, clean.document, receivedAtMs)
  const unknown = unknownReferences(items, clean.document)
  const known = { ...state, ...items, ...updateAssociations(state, clean.document, receivedAtMs) }
  const kept = keepTo(endWhatDepends(known))
  const news = withNew(state.problems, unknown)
  // What already was missing from a snapshot will be missing from the next one (RFC 7866 §9.2): no reason to ask for that.
  const isLost = !state.hasSnapshot || state.isIncomplete || news.length > state.problems.length
  const isSnapshot = document.dataMode === 'complete'
  return {
    ...kept.state,
    problems: withNew(news, [...document.problems, ...clean.problems, ...kept.problems]),
    isIncomplete: !isSnapshot && isLost,
    hasSnapshot: state.hasSnapshot || isSnapshot,
  }
}

const withNew = (problems: readonly string[], more: readonly string[]): readonly string[] =>
  [...new Set([...problems, ...more])].slice(0, PROBLEMS_MAX)

type Associations = Pick<RsState, 'sessionRecordings' | 'attendances' | 'contributions'>

const updateAssociations = (state: RsState, document: RsDocument, atMs: number): Associations => {
  const isSnapshot = document.dataMode === 'complete'
  const { sessionRecordingAssociations: recorded, participantSessionAssociations: parts } = document
  const restated = new Set(
    document.participantStreamAssociations
      .filter(({ disassociatedAtMs }) => disassociatedAtMs === undefined)
      .map(({ participantId }) => participantId),
  )
  return {
    sessionRecordings: applyClaims(
      state.sessionRecordings,
      recorded.map((each) => ({ ...timesOf(each), value: { sessionId: each.sessionId } })),
      { keyOf: ({ sessionId }) => sessionId, isSuperseded: () => isSnapshot, atMs },
    ),
    attendances: applyClaims(
      state.attendances,
      parts.map(({ participantId, sessionId, params, ...times }) => ({
        ...timesOf(times),
        value: { participantId, sessionId, params },
      })),
      {
        keyOf: ({ participantId, sessionId }) => `${participantId} ${sessionId}`,
        isSuperseded: () => isSnapshot,
        atMs,
      },
    ),
    contributions: applyClaims(state.contributions, contributionClaims(state, document), {
      keyOf: ({ participantId, streamId, direction }) => `${participantId} ${streamId} ${direction}`,
      // An association says all that a participant sends and receives (RFC 7865 §6.8.1).
      isSuperseded: ({ participantId }) => isSnapshot || restated.has(participantId),
      atMs,
    }),
  }
}

const timesOf = ({ associatedAtMs, disassociatedAtMs }: RsTimes): RsTimes => ({ associatedAtMs, disassociatedAtMs })

type Contribution = Pick<RsContribution, 'participantId' | 'streamId' | 'direction'>

/** One for each stream and direction; of an association that is over and names no stream, one for each that its participant still had. */
const contributionClaims = (state: RsState, document: RsDocument): readonly Claim<Contribution>[] => {
  const open = Map.groupBy(state.contributions.filter(isOpen), ({ participantId }) => participantId)
  return document.participantStreamAssociations.flatMap((each): readonly Claim<Contribution>[] => {
    const { participantId, send, recv, disassociatedAtMs } = each
    const claim = (streamId: string, direction: 'send' | 'recv') => ({
      ...timesOf(each),
      value: { participantId, streamId, direction },
    })
    if (disassociatedAtMs !== undefined && send.length + recv.length === 0) {
      const left = open.get(participantId) ?? []
      // It has left once; the same again would cost as much again.
      open.delete(participantId)
      return left.map(({ streamId, direction }) => claim(streamId, direction))
    }
    return [...send.map((id) => claim(id, 'send')), ...recv.map((id) => claim(id, 'recv'))]
  })
}

/** The state with no list longer than it may be, and which were. */
const keepTo = (state: RsState): { readonly state: RsState; readonly problems: readonly string[] } => {
  const kinds = Object.keys(KEPT_MAX) as (keyof typeof KEPT_MAX)[]
  const problems = kinds
    .filter((kind) => state[kind].length > KEPT_MAX[kind])
    .map((kind) => `more ${kind} than are kept`)
  return {
    problems,
    state: {
      ...state,
      groups: bounded(state.groups, KEPT_MAX.groups),
      sessions: bounded(state.sessions, KEPT_MAX.sessions),
      participants: bounded(state.participants, KEPT_MAX.participants),
      streams: bounded(state.streams, KEPT_MAX.streams),
      sessionRecordings: bounded(state.sessionRecordings, KEPT_MAX.sessionRecordings),
      attendances: bounded(state.attendances, KEPT_MAX.attendances),
      contributions: bounded(state.contributions, KEPT_MAX.contributions),
    },
  }
}
