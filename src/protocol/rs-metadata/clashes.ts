import { shown } from './read-values.ts'
import type { RsDocument } from './rs-document.ts'
import type { RsState } from './rs-state.ts'
import { rsUuid } from './rs-uuid.ts'

type Items = Pick<RsDocument, 'groups' | 'sessions' | 'participants' | 'streams'>

/**
 * A document's things without those whose id is already that of another (RFC 7865 §6.10): of the same kind in the same document, or of another kind, known or in it. Of
 * the latter a stream counts before a participant, and that before a session and a group. Ids that are no UUIDs may be the same for things of different kinds: some
 * senders number each kind, and no reference is ambiguous by that.
 */
export const withoutClashes = (
  state: RsState,
  document: RsDocument,
): { readonly document: RsDocument; readonly problems: readonly string[] } => {
  const kindOf = new Map<string, keyof Items>()
  const claim = (kind: keyof Items, id: string) => kindOf.set(keyOf(kind, id), kind)
  for (const kind of ['groups', 'sessions', 'participants', 'streams'] as const)
    for (const { id } of state[kind]) claim(kind, id)
  const problems: string[] = []
  const admit = <T extends { readonly id: string }>(kind: keyof Items, items: readonly T[]): readonly T[] => {
    const seen = new Set<string>()
    return items.filter(({ id }) => {
      const key = keyOf(kind, id)
      const isFree = !seen.has(key) && (kindOf.get(key) ?? kind) === kind
      if (isFree) claim(kind, id)
      else problems.push(`an id is used twice; one of the ${kind} is ignored: ${shown(id)}`)
      seen.add(key)
      return isFree
    })
  }
  const streams = admit('streams', document.streams)
  const participants = admit('participants', document.participants)
  const sessions = admit('sessions', document.sessions)
  const groups = admit('groups', document.groups)
  return { document: { ...document, streams, participants, sessions, groups }, problems }
}

const keyOf = (kind: keyof Items, id: string): string => rsUuid(id) ?? `${kind} ${id}`
