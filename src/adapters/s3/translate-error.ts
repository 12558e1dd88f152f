import { PoulsenError } from '../../domain/errors.ts'

/** What servers and the client call a refusal that no waiting mends: somebody has to change a key, a permission, a setting. */
const REFUSALS: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'AuthorizationHeaderMalformed',
  'CredentialsProviderError',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidBucketName',
  'InvalidToken',
  'NoSuchBucket',
  'NotImplemented',
  'PermanentRedirect',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])
const MISSING: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound'])
const FULL: ReadonlySet<string> = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage'])
/** Answers below 500 that only time decides. */
const NOT_NOW: ReadonlySet<string> = new Set([
  'ConditionalRequestConflict',
  'NoSuchUpload',
  'OperationAborted',
  'RequestTimeout',
  'SlowDown',
  'ThrottlingException',
  'TooManyRequestsException',
])
/** Node's and OpenSSL's words for a certificate that is not believed, and for a peer that does not speak TLS. */
const TLS = /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_(?:TLS|SSL)_|^EPROTO$/
const NETWORK = /^E[A-Z_]+$/

/** What is known of something thrown by the client, by Node or by us. */
export interface Failure {
  /** The server's or the client's name for it. */
  readonly name: string
  /** Node's code, of a network or file system call. */
  readonly code: string
  /** The HTTP status of the answer; undefined without one. */
  readonly status: number | undefined
}

/** Reads off it what {@link translateError} decides by. */
export const describeFailure = (thrown: unknown): Failure => {
  const { name, code, $metadata } = (thrown ?? {}) as {
    readonly name?: unknown
    readonly code?: unknown
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return { name: text(name), code: text(code), status: $metadata?.httpStatusCode }
}

/** True for a certificate that is not believed. */
export const isTlsFailure = ({ code }: Failure): boolean => TLS.test(code)

/** The only place where an error of the S3 client becomes one of ours. A fault of this program passes through. */
export const translateError = (thrown: unknown): unknown => {
  if (thrown instanceof PoulsenError || thrown instanceof TypeError || thrown instanceof RangeError) return thrown
  const failure = describeFailure(thrown)
  const { name, code, status } = failure
  if (isTlsFailure(failure) || REFUSALS.has(name) || status === 401 || status === 403)
    return FULL.has(name) ? full(thrown) : unusable(failure, thrown)
  if (MISSING.has(name)) return notFound(thrown)
  if (name === 'InvalidRange') return corrupt('The media object is shorter than it should be.', thrown)
  if (FULL.has(name) || status === 507) return full(thrown)
  if (name === 'TimeoutError' || NOT_NOW.has(name) || isNotNow(status)) return unavailable(thrown)
  if (status === undefined && NETWORK.test(code)) return unavailable(thrown)
  return status === undefined ? thrown : unusable(failure, thrown)
}

const isNotNow = (status: number | undefined): boolean => status !== undefined && (status >= 500 || status === 429)

/** There is no object of that name. */
export const notFound = (cause?: unknown): PoulsenError =>
  new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'There is no such media object.', cause })

/** There is an object of that name already. */
export const conflict = (): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_CONFLICT',
    kind: 'conflict',
    message: 'There already is a media object of that name.',
  })

/** The bytes are not those that were stored. */
export const corrupt = (message: string, cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_CORRUPT',
    kind: 'corrupt',
    message,
    hint: 'Somebody else has written to the bucket, or it is damaged: restore the object from a backup.',
    cause,
  })

/** The bytes on the disk are not those that the catalogue has the hash of: they do not go to the bucket. */
export const damaged = (): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_CORRUPT',
    kind: 'corrupt',
    message: 'The bytes of a recording on the disk are not those that were stored.',
    hint: 'The disk is damaged, or somebody has written there: `poulsen verify` names the recording; restore it from a backup.',
  })

/** It does not answer, or says that it cannot now. */
export const unavailable = (cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_UNAVAILABLE',
    kind: 'unavailable',
    message: 'The media store (S3) is not available.',
    hint: 'Try again; the log says why.',
    cause,
  })

const full = (cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_DISK_FULL',
    kind: 'unavailable',
    message: 'There is no space left for media in the bucket.',
    hint: 'Raise its quota or free space; nothing was stored half.',
    cause,
  })

const unusable = ({ name, code, status }: Failure, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_STORE_UNUSABLE',
    kind: 'unavailable',
    message: `The media store (S3) refuses: ${[code || name, status].filter(Boolean).join(', ')}.`,
    hint: 'Look at its credentials, their permissions, the bucket and the certificate.',
    retryable: false,
    cause,
  })
