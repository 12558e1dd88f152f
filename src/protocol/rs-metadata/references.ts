import { shown } from './read-values.ts'
import type { RsDocument } from './rs-document.ts'
import type { RsState } from './rs-state.ts'

/** What a document refers to and nothing is known of, each once. */
export const unknownReferences = (
  state: Pick<RsState, 'groups' | 'sessions' | 'participants' | 'streams'>,
  document: RsDocument,
): readonly string[] => {
  const unknown = (kind: string, known: readonly { readonly id: string }[], ids: readonly (string | undefined)[]) => {
    const all = new Set(known.map(({ id }) => id))
    return ids
      .filter((id) => id !== undefined && !all.has(id))
      .map((id) => `a ${kind} that is not known: ${shown(id ?? '')}`)
  }
  const { participantSessionAssociations: parts, participantStreamAssociations: flows } = document
  const sessionIds = [...document.streams, ...document.sessionRecordingAssociations, ...parts].map(
    ({ sessionId }) => sessionId,
  )
  return [
    ...new Set([
      ...unknown(
        'group',
        state.groups,
        document.sessions.map(({ groupId }) => groupId),
      ),
      ...unknown('session', state.sessions, sessionIds),
      ...unknown(
        'participant',
        state.participants,
        [...parts, ...flows].map(({ participantId }) => participantId),
      ),
      ...unknown(
        'stream',
        state.streams,
        flows.flatMap(({ send, recv }) => [...send, ...recv]),
      ),
    ]),
  ]
}
