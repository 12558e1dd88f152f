import type { RsDataMode, RsDocument } from './rs-document.ts'
import type { RsSpell, RsState } from './rs-state.ts'

type Items = Pick<RsState, 'groups' | 'sessions' | 'participants' | 'streams'>

/** When a thing began and ended, as far as a document says so. */
interface Said {
  readonly beganAtMs: number | undefined
  readonly endedAtMs: number | undefined
}

/**
 * The groups, sessions, participants and streams with those of a document (RFC 7866 §9.1). A snapshot replaces: what it does not have is over. A partial update changes
 * by id, and leaves what it does not speak of as it was.
 */
export const updateItems = (state: Items, document: RsDocument, atMs: number): Items => {
  const update = <T extends { readonly id: string }>(
    known: readonly (T & RsSpell)[],
    said: readonly T[],
    timesOf: (item: T) => Said,
  ) => updateKind({ known, said, timesOf, mode: document.dataMode, atMs })
  return {
    groups: update(state.groups, document.groups, (group) => ({
      beganAtMs: group.associatedAtMs,
      endedAtMs: group.disassociatedAtMs,
    })),
    sessions: update(state.sessions, document.sessions, ({ startedAtMs, stoppedAtMs }) => ({
      beganAtMs: startedAtMs,
      // One that is started anew after it was stopped goes on.
      endedAtMs:
        (startedAtMs ?? Number.NEGATIVE_INFINITY) > (stoppedAtMs ?? Number.POSITIVE_INFINITY) ? undefined : stoppedAtMs,
    })),
    participants: update(state.participants, document.participants, () => ({
      beganAtMs: undefined,
      endedAtMs: undefined,
    })),
    streams: update(state.streams, document.streams, ({ startedAtMs }) => ({
      beganAtMs: startedAtMs,
      endedAtMs: undefined,
    })),
  }
}

interface Update<T> {
  readonly known: readonly (T & RsSpell)[]
  readonly said: readonly T[]
  readonly timesOf: (item: T) => Said
  readonly mode: RsDataMode
  readonly atMs: number
}

const updateKind = <T extends { readonly id: string }>({
  known,
  said,
  timesOf,
  mode,
  atMs,
}: Update<T>): readonly (T & RsSpell)[] => {
  const before = new Map(known.map((item) => [item.id, item]))
  const after = new Map(
    said.map((item) => {
      const old = before.get(item.id)
      const now: T = old && mode === 'partial' ? merged(old, item) : item
      return [item.id, { ...now, ...spellOf(timesOf(now), old, atMs) }]
    }),
  )
  if (mode === 'partial') {
    const added = [...after.values()].filter(({ id }) => !before.has(id))
    return [...known.map((item) => after.get(item.id) ?? item), ...added]
  }
  const gone = known.filter(({ id }) => !after.has(id))
  return [...after.values(), ...gone.map((item) => ({ ...item, toMs: item.toMs ?? Math.max(atMs, item.fromMs) }))]
}

const spellOf = ({ beganAtMs, endedAtMs }: Said, old: RsSpell | undefined, atMs: number): RsSpell => {
  const fromMs = beganAtMs ?? old?.fromMs ?? Math.min(atMs, endedAtMs ?? atMs)
  return { fromMs, toMs: endedAtMs === undefined ? undefined : Math.max(endedAtMs, fromMs) }
}

/** What is said of it now, and of what was said before all that is not said again. */
const merged = <T extends object>(old: T, item: T): T => {
  const said = Object.entries(item).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  return { ...old, ...Object.fromEntries(said) }
}
