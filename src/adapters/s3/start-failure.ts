import { hasCode, PoulsenError } from '../../domain/errors.ts'
import type { S3Location } from './s3-url.ts'
import { describeFailure, isTlsFailure, translateError } from './translate-error.ts'

/** What a start that failed has to say, by Node's code or the server's or client's name for it. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  TimeoutError: 'nobody answers there',
  AbortError: 'nobody answers there',
  AccessDenied: 'access is denied',
  Forbidden: 'access is denied',
  AuthorizationHeaderMalformed: 'the region is another',
  PermanentRedirect: 'the bucket is in another region, or at another endpoint',
  CredentialsProviderError: 'there are no credentials',
  ExpiredToken: 'the credentials have expired',
  InvalidAccessKeyId: 'the access key is not known',
  NoSuchBucket: 'there is no such bucket',
  NotImplemented: 'the server cannot do what is asked for',
  RequestTimeTooSkewed: "this machine's clock is wrong",
  SignatureDoesNotMatch: 'the secret key is wrong',
}

/** One clear error, MEDIA_STORE_UNUSABLE, for a bucket that cannot be used: which, what was tried, and why. `isAway` tells whether it answered at all. */
export const startFailure = (thrown: unknown, location: S3Location, tried: string): PoulsenError => {
  const translated = translateError(thrown)
  const cause = (translated instanceof PoulsenError ? translated.cause : undefined) ?? thrown
  return new PoulsenError({
    code: 'MEDIA_STORE_UNUSABLE',
    kind: 'unavailable',
    message: `The media store ${format(location)} cannot be used (${tried}): ${reasonOf(cause)}.`,
    hint: 'Look at POULSEN_MEDIA_STORE, at the credentials and their permissions, and whether the server runs.',
    retryable: hasCode(translated, 'MEDIA_UNAVAILABLE'),
    cause,
  })
}

/** True when the store has not answered, or only that it cannot now: what time may mend. False when it refuses, and somebody has to do something. */
export const isAway = (thrown: unknown): boolean =>
  hasCode(thrown, 'MEDIA_UNAVAILABLE') || (hasCode(thrown, 'MEDIA_STORE_UNUSABLE') && thrown.retryable)

const reasonOf = (cause: unknown): string => {
  const failure = describeFailure(cause)
  if (isTlsFailure(failure)) return `its certificate is not trusted (${failure.code})`
  const known = REASONS[failure.code] ?? REASONS[failure.name]
  if (known !== undefined) return known
  const message = cause instanceof Error ? cause.message : String(cause)
  return failure.status === undefined ? message : `it answers ${failure.status} ${failure.name}`
}

const format = ({ bucket, prefix, endpoint }: S3Location): string =>
  `s3://${bucket}${prefix && `/${prefix}`}${endpoint === undefined ? '' : ` at ${endpoint}`}`
