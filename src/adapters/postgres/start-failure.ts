import { PoulsenError } from '../../domain/errors.ts'
import { translateError } from './translate-error.ts'

const NO_ANSWER = 'nobody answers there, or not as PostgreSQL does'
const UNTRUSTED = 'nobody who is trusted (sslrootcert) has signed the certificate of the server'
const OUT_OF_DATE = 'the certificate of the server is out of date'

/** What a start that failed has to say, by SQLSTATE or the code of the driver or of TLS. */
const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up',
  ETIMEDOUT: NO_ANSWER,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: OUT_OF_DATE,
  CERT_NOT_YET_VALID: OUT_OF_DATE,
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another host name',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not trust the certificate in sslcert',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key in sslkey is not that of the certificate in sslcert',
  '25006': 'it is read-only there, as a standby is',
  '28P01': 'the user or the password is wrong',
  '28000': 'the server does not let this user in',
  '3D000': 'there is no such database',
  '42501': 'the user may not create tables there',
  '53300': 'the server has no connection left',
  '57P03': 'the server is starting or stopping',
}

/** The same for what has no code, or one that says less. */
const BY_MESSAGE: readonly (readonly [message: RegExp, reason: string])[] = [
  [/^no pg_hba\.conf entry.* no encryption$/, 'the server does not let this user in without TLS (sslmode=verify-full)'],
  [/^permission denied for database/, 'the user may not connect to it'],
  [/^The server does not support SSL/, 'the server has no TLS'],
  [/^Connection terminated due to connection timeout|^timeout/, NO_ANSWER],
  [
    /^Connection terminated unexpectedly|^There was an error establishing an SSL/,
    'what listens there is not PostgreSQL, or hangs up',
  ],
]

/** One clear error for a catalogue that cannot be opened: which, without its password, and why. */
export const startFailure = (thrown: unknown, url: string): unknown => {
  if (thrown instanceof PoulsenError) return thrown
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  const said = BY_MESSAGE.find(([pattern]) => typeof message === 'string' && pattern.test(message))
  const known = said?.[1] ?? (typeof code === 'string' ? BY_CODE[code] : undefined)
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
