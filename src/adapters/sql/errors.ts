import { PoulsenError } from '../../domain/errors.ts'

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
