import { PoulsenError } from '../../domain/errors.ts'
import { conflict, notFound, unavailable } from '../sql/errors.ts'

const codeOf = (thrown: unknown): string => {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

const corrupt = (cause: unknown) =>
  new PoulsenError({
    code: 'CATALOGUE_CORRUPT',
    kind: 'corrupt',
    message: 'The catalogue file is damaged or is not a catalogue.',
    hint: 'Restore it from a backup (docs/operating/backup.md); the media is untouched.',
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
