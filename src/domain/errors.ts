/**
 * What went wrong, in a closed list that says whose turn it is. No HTTP status, SIP code or exit code lives here:
 * each edge has one exhaustive table from kind to its wire form, so a new kind fails the build until every edge knows it.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'unsupported'
  | 'throttled'
  | 'unavailable'
  | 'corrupt'
  | 'internal'

/** Details that are safe to show to a caller. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>

/** The parts of a {@link PoulsenError}; `retryable` defaults to what the kind implies. */
export interface ErrorParts {
  readonly code: string
  readonly kind: ErrorKind
  /** One sentence, safe to show. */
  readonly message: string
  /** What to do about it, one sentence, safe to show. */
  readonly hint?: string
  readonly details?: ErrorDetails
  readonly retryable?: boolean
  readonly cause?: unknown
}

const RETRYABLE_KINDS: ReadonlySet<ErrorKind> = new Set(['throttled', 'unavailable'])

/** The only error class that crosses a port or reaches an edge; every code is listed in docs/reference/errors.md. */
export class PoulsenError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly details: ErrorDetails
  readonly hint: string | undefined

  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = 'PoulsenError'
    this.code = parts.code
    this.kind = parts.kind
    this.retryable = parts.retryable ?? RETRYABLE_KINDS.has(parts.kind)
    this.details = parts.details ?? {}
    this.hint = parts.hint
  }
}

/** True for a {@link PoulsenError} with this code. */
export const hasCode = (error: unknown, code: string): error is PoulsenError =>
  error instanceof PoulsenError && error.code === code
