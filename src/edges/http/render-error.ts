import { type ErrorKind, PoulsenError } from '../../domain/errors.ts'

/** How a family of routes words its errors: the relay API, the project API, or our own. */
export type ErrorFamily = 'relay' | 'project' | 'own'

/** An error as it goes out. */
export interface RenderedError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

const STATUS = {
  invalid: 422,
  unauthenticated: 401,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  unsupported: 415,
  throttled: 429,
  unavailable: 503,
  corrupt: 500,
  internal: 500,
} as const satisfies Record<ErrorKind, number>

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Invalid Attribute',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The statuses whose bodies are the same in every family, as the contract words them. */
const BARE: ReadonlySet<number> = new Set([400, 401, 404, 431, 500])
/** What our own routes say more of all the same: its caller was let in, and can do something about it. */
const SAYS_MORE: ReadonlySet<string> = new Set(['UPLOAD_CUT_OFF', 'MEDIA_NOT_FOUND'])
const RETRY_AFTER_SECONDS = '2'

/** The status that an error goes out with. `UPLOAD_IDLE` and `UPLOAD_CUT_OFF` are invalid input with a status of their own. */
export const statusOf = (error: PoulsenError): number => {
  if (error.code === 'UPLOAD_IDLE') return 408
  return error.code === 'UPLOAD_CUT_OFF' ? 400 : STATUS[error.kind]
}

/** `{"error":"…"}`, the body of every error that has no details to give. */
export const bareBody = (status: number): { readonly error: string } => ({ error: TITLES[status] ?? 'Error' })

/** Any thrown thing as a {@link PoulsenError}: what nobody expected is `internal`, whole inside and nameless outside. */
export const toPoulsenError = (thrown: unknown): PoulsenError =>
  thrown instanceof PoulsenError
    ? thrown
    : new PoulsenError({ code: 'INTERNAL', kind: 'internal', message: 'An unexpected fault.', cause: thrown })

/** What a caller of this family of routes gets for an error. */
export const renderError = (error: PoulsenError, family: ErrorFamily): RenderedError => {
  const status = statusOf(error)
  return { status, headers: headersOf(status, error), body: bodyOf(status, error, family) }
}

const headersOf = (status: number, error: PoulsenError): Record<string, string> => ({
  ...(status === 401 && { 'www-authenticate': 'Basic realm="Poulsen"' }),
  ...((status === 503 || status === 429) && error.retryable && { 'retry-after': RETRY_AFTER_SECONDS }),
})

const bodyOf = (status: number, error: PoulsenError, family: ErrorFamily): object => {
  if (BARE.has(status) && !(family === 'own' && SAYS_MORE.has(error.code))) return bareBody(status)
  if (family === 'project') return projectBody(error)
  if (family === 'relay' && status !== 422) return bareBody(status)
  const detail = error.hint ? `${error.message} ${error.hint}` : error.message
  const code = family === 'relay' ? String(status) : error.code
  return { errors: [{ detail, status: String(status), title: TITLES[status], code }] }
}

const projectBody = ({ code, message, details }: PoulsenError): object => ({
  errors: [
    {
      type: 'validation_error',
      code: code.toLowerCase(),
      message,
      attribute: details.attribute ?? 'base',
      url: '/docs',
    },
  ],
})
