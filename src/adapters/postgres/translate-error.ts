import { PoulsenError } from '../../domain/errors.ts'
import { conflict, notFound, unavailable } from '../sql/errors.ts'
import type { WriteName } from '../sql/sql-driver.ts'

const FOREIGN_KEY = '23503'
/** What PostgreSQL 18 says where those before say that it is about a foreign key. */
const RESTRICTED = '23001'
const UNIQUE = '23505'
const CHECK = '23514'
/**
 * Classes of SQLSTATE that say that the server cannot work now: connection, resources, operator intervention, system error, and a deadlock or a serialisation that
 * lost; and the one of a server that only reads, as one does that has become a standby.
 */
const NOT_NOW = /^(?:08|53|57|58|40|25006)/
const DAMAGED = /^XX00[12]$/
const SQLSTATE = /^[0-9A-Z]{5}$/

interface DatabaseError {
  readonly code?: unknown
  readonly constraint?: unknown
  readonly message?: unknown
}

/** The only place where an error of PostgreSQL or of its driver becomes one of ours. `write` says what was being done, where that decides. */
export const translateError = (thrown: unknown, write?: WriteName): unknown => {
  if (thrown instanceof PoulsenError || isFault(thrown)) return thrown
  const { code, constraint } = (thrown ?? {}) as DatabaseError
  if (typeof code !== 'string' || !SQLSTATE.test(code)) return away(thrown)
  // Deleting what is still needed, or adding to what is not there.
  if (code === FOREIGN_KEY) return write === 'deleteProject' ? conflict(thrown) : notFound('project', thrown)
  if (code === UNIQUE || code === RESTRICTED) return conflict(thrown)
  if (code === CHECK && constraint === 'trunk_is_guarded') return conflict(thrown)
  if (DAMAGED.test(code)) return corrupt(thrown)
  return NOT_NOW.test(code) ? away(thrown) : thrown
}

/** A fault of this program, which no waiting mends. */
const isFault = (thrown: unknown): boolean => thrown instanceof TypeError || thrown instanceof RangeError

/** True when the database was not reached or did not answer in time: it is not there for anybody. */
export const isAway = (thrown: unknown): boolean => {
  if (thrown instanceof PoulsenError || isFault(thrown)) return false
  const { code } = (thrown ?? {}) as DatabaseError
  return typeof code !== 'string' || !SQLSTATE.test(code) || /^(?:08|57P)/.test(code)
}

/** Not reached, cut off, too slow, restarting. */
const away = (cause: unknown): PoulsenError =>
  unavailable('The catalogue (PostgreSQL) is not available.', 'Try again; the log says why.', cause)

const corrupt = (cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_CORRUPT',
    kind: 'corrupt',
    message: 'PostgreSQL says that the catalogue is damaged.',
    hint: 'Restore it from a backup; the media is untouched.',
    cause,
  })
