import { PoulsenError } from '../../domain/errors.ts'
import { translateError } from './translate-error.ts'

/** What a start that failed has to say, by SQLSTATE or the driver's code. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'the host name is not known',
  ETIMEDOUT: 'nobody answers there',
  '28P01': 'the password is wrong',
  '28000': 'the server does not let this user in',
  '3D000': 'there is no such database',
  '42501': 'the user may not create tables there',
  '53300': 'the server has no connection left',
  '57P03': 'the server is starting or stopping',
}

/** One clear error for a catalogue that cannot be opened: which, without its password, and why. */
export const startFailure = (thrown: unknown, url: string): unknown => {
  if (thrown instanceof PoulsenError) return thrown
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  const known = typeof code === 'string' ? REASONS[code] : undefined
  const reason = known ?? (typeof message === 'string' ? message : String(thrown))
  const translated = translateError(thrown)
  if (known === undefined && !(translated instanceof PoulsenError)) return thrown
  return new PoulsenError({
    code: 'CATALOGUE_UNAVAILABLE',
    kind: 'unavailable',
    message: `The catalogue ${withoutPassword(url)} cannot be opened: ${reason}.`,
    hint: 'Look at POULSEN_CATALOGUE, and whether PostgreSQL runs.',
    cause: thrown,
  })
}

/** The URL as it may be shown. */
export const withoutPassword = (url: string): string => {
  const parsed = URL.parse(url)
  if (!parsed) return '(not a URL)'
  const { protocol, username, host, pathname } = parsed
  return `${protocol}//${username ? `${username}@` : ''}${host}${pathname}`
}
