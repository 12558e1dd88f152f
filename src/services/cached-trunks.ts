import type { Project } from '../domain/project.ts'
import type { Trunk } from '../domain/trunk.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'

/** How long an answer of the catalogue is believed: what the command line changes counts within this time. */
export const TRUNKS_BELIEVED_FOR_MS = 5_000
/** At most this many projects are remembered; beyond it the memory starts afresh. */
export const TRUNK_PROJECTS_MAX = 10_000

/** Trunks and their projects as whoever takes calls asks for them: for every request, which no flood may turn into work of the catalogue. */
export interface CachedTrunks {
  /** All trunks, oldest first. Rejects as the catalogue does. */
  list(): Promise<readonly Trunk[]>
  /** A trunk's project. Rejects as the catalogue does. */
  findProject(id: Uuid): Promise<Project | undefined>
}

/** Remembers each answer for {@link TRUNKS_BELIEVED_FOR_MS}; a rejection is not remembered. Who asks while an answer is awaited waits for the same. */
export const cachedTrunks = (catalogue: Catalogue, clock: Clock): CachedTrunks => {
  const projects = new Map<Uuid, () => Promise<Project | undefined>>()
  const findProject = (id: Uuid): Promise<Project | undefined> => {
    const known = projects.get(id)
    if (known) return known()
    if (projects.size >= TRUNK_PROJECTS_MAX) projects.clear()
    const find = remembered(clock, () => catalogue.findProject(id))
    projects.set(id, find)
    return find()
  }
  return { list: remembered(clock, () => catalogue.listTrunks()), findProject }
}

const remembered = <T>(clock: Clock, ask: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined
  let askedMs = 0
  return () => {
    const ageMs = clock.nowMs() - askedMs
    // A clock that was set back must not keep an old answer alive.
    if (answer && ageMs >= 0 && ageMs < TRUNKS_BELIEVED_FOR_MS) return answer
    askedMs = clock.nowMs()
    const asked = ask()
    answer = asked
    asked.catch(() => {
      if (answer === asked) answer = undefined
    })
    return asked
  }
}
