import { PoulsenError } from '../../domain/errors.ts'

const codeOf = (thrown: unknown): string => {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** The refusal of a change that what is there forbids. */
export const conflict = (cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_CONFLICT',
    kind: 'conflict',
    message: 'The catalogue already has that row, still needs it, or no longer lets it change.',
    cause,
  })

/** The refusal of a change to a row that does not exist. */
export const notFound = (what: string, cause?: unknown): PoulsenError =>
  new PoulsenError({ code: 'CATALOGUE_NOT_FOUND', kind: 'not-found', message: `There is no such ${what}.`, cause })

/** The refusal of work that the catalogue cannot take now. */
export const unavailable = (message: string, hint: string, cause?: unknown): PoulsenError =>
  new PoulsenError({ code: 'CATALOGUE_UNAVAILABLE', kind: 'unavailable', message, hint, cause })

const corrupt = (cause: unknown) =>
  new PoulsenError({
    code: 'CATALOGUE_CORRUPT',
    kind: 'corrupt',
    message: 'The catalogue file is damaged or is not a catalogue.',
    hint: 'Restore data/catalogue.sqlite from a backup; the media is untouched.',
    cause,
  })

/** Something else has the key, or (a foreign key that restricts) still needs the row. */
const CONFLICTS: ReadonlySet<string> = new Set([
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_TRIGGER',
])

/** The only place where a SQLite error becomes one of ours. What is not SQLite's passes through. */
export const translateError = (thrown: unknown): unknown => {
  const code = codeOf(thrown)
  if (thrown instanceof PoulsenError || !code.startsWith('SQLITE_')) return thrown
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return notFound('project', thrown)
  if (CONFLICTS.has(code)) return conflict(thrown)
  // The one rule of the schema that a caller can break: two changes that are each allowed may leave a trunk open.
  if (thrown instanceof Error && thrown.message.includes('trunk_is_guarded')) return conflict(thrown)
  // A value that the schema does not allow is a fault of ours, not a conflict.
  if (code.startsWith('SQLITE_CONSTRAINT')) return thrown
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return corrupt(thrown)
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return unavailable('The catalogue cannot be written.', 'Look whether its disk is full.', thrown)
  }
  return unavailable(`The catalogue is not available (${code}).`, 'Try again.', thrown)
}
