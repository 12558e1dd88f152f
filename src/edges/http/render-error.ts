import { type ErrorKind, PoulsenError } from '../../domain/errors.ts'

/** How a family of routes words its errors: the relay API, the project API, our own, or WHIP, which asks for a bearer. */
export type ErrorFamily = 'relay' | 'project' | 'own' | 'whip'

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
const SAYS_MORE: ReadonlySet<string> = new Set(['UPLOAD_CUT_OFF', 'MEDIA_NOT_FOUND', 'WHIP_OFFER_DAMAGED'])
const CHALLENGES = { basic: 'Basic realm="Poulsen"', bearer: 'Bearer realm="Poulsen"' } as const
const RETRY_AFTER_SECONDS = '2'

/** Invalid input with a status of its own. */
const OWN_STATUS: Readonly<Record<string, number>> = { UPLOAD_IDLE: 408, UPLOAD_CUT_OFF: 400, WHIP_OFFER_DAMAGED: 400 }

/** The status that an error goes out with. */
export const statusOf = (error: PoulsenError): number => OWN_STATUS[error.code] ?? STATUS[error.kind]

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
  return { status, headers: headersOf(status, error, family), body: bodyOf(status, error, family) }
}

const headersOf = (status: number, error: PoulsenError, family: ErrorFamily): Record<string, string> => ({
  ...(status === 401 && { 'www-authenticate': CHALLENGES[family === 'whip' ? 'bearer' : 'basic'] }),
  ...((status === 503 || status === 429) && error.retryable && { 'retry-after': RETRY_AFTER_SECONDS }),
})

const bodyOf = (status: number, error: PoulsenError, family: ErrorFamily): object => {
  const isOwn = family === 'own' || family === 'whip'
  if (BARE.has(status) && !(isOwn && SAYS_MORE.has(error.code))) return bareBody(status)
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
