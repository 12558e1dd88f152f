import { type ErrorKind, PoulsenError } from '../../domain/errors.ts'
import type { SipHeaders, SipResponse } from '../../protocol/sip/message.ts'

/** The final answer that a request is to get; headers that every answer has are added to it. */
export interface Reply {
  /** 200 to 699. */
  readonly status: number
  readonly headers?: SipHeaders
  readonly body?: Uint8Array
  /** What went wrong, for the report; never sent. */
  readonly error?: unknown
  /** Exactly one of these two is called, once: it was sent, or the request had its answer already (a CANCEL came first). */
  readonly onSent?: (response: SipResponse) => void
  readonly onDropped?: () => void
}

/** A body and the type that says what it is. */
export const SDP_TYPE = 'application/sdp'
/** What an INVITE may bring (RFC 3261 §20.1). */
export const ACCEPT = 'application/sdp, application/rs-metadata+xml, application/rs-metadata, multipart/mixed'
/** Every method that is understood here. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO'
/** Option tags that are understood (RFC 4028, RFC 7866 §11.1). */
export const SUPPORTED: ReadonlySet<string> = new Set(['timer', 'siprec'])
export const SUPPORTED_TAGS = [...SUPPORTED].join(', ')
/** What a request may require of us: also provisional answers that are reliable (RFC 3262 §3), since we send none but 100. */
export const FULFILLED: ReadonlySet<string> = new Set([...SUPPORTED, '100rel'])

/** How long who met an overload, a full disk or a stop should wait, in seconds. */
const RETRY_AFTER_SECONDS = { busy: 5, stopping: 30, diskFull: 60 } as const

export const retryAfter = (seconds: number): SipHeaders => [['Retry-After', String(seconds)]]

/** 503 for a moment of overload. */
export const BUSY: Reply = { status: 503, headers: retryAfter(RETRY_AFTER_SECONDS.busy) }
/** 503 while the server drains. */
export const STOPPING: Reply = { status: 503, headers: retryAfter(RETRY_AFTER_SECONDS.stopping) }

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 403,
  'not-found': 404,
  conflict: 500,
  'too-large': 413,
  unsupported: 488,
  throttled: 503,
  unavailable: 503,
  corrupt: 500,
  internal: 500,
}

const secondsFor = (code: string): number => {
  if (code === 'CAPTURE_STOPPING') return RETRY_AFTER_SECONDS.stopping
  return code === 'CAPTURE_DISK_FULL' ? RETRY_AFTER_SECONDS.diskFull : RETRY_AFTER_SECONDS.busy
}

/** The answer that an error deserves; what nobody expected is a 500. */
export const replyOfError = (error: unknown): Reply => {
  if (!(error instanceof PoulsenError)) return { status: 500, error }
  const status = STATUS_OF_KIND[error.kind]
  return { status, ...(status === 503 && { headers: retryAfter(secondsFor(error.code)) }), error }
}

/** Reason phrases (RFC 3261 §21, RFC 4028, RFC 3581); a peer shows them to people, machines read the number. */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  422: 'Session Interval Too Small',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  493: 'Undecipherable',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'Version Not Supported',
  513: 'Message Too Large',
}

export const reasonOf = (status: number): string => REASONS[status] ?? 'Error'
