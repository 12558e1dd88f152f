import type { FastifyReply, FastifyRequest } from 'fastify'

/** Web pages of which origins may publish: any, or those of a list. */
export type AllowedOrigins = '*' | readonly string[]

const METHODS = 'POST, PATCH, DELETE, OPTIONS'
const REQUEST_HEADERS = 'Authorization, Content-Type, If-Match'
const EXPOSED = 'Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After'
const PREFLIGHT_SECONDS = 3600

/** Lets pages of allowed origins read the answer, errors too (Fetch standard, CORS protocol). Credentials are never asked for: a bearer is no cookie. */
export const allowOrigin = (request: FastifyRequest, reply: FastifyReply, allowed: AllowedOrigins): void => {
  const { origin } = request.headers
  // Whoever keeps an answer must know that others differ, also one to a request without an origin (Fetch standard, CORS protocol and HTTP caches).
  if (allowed !== '*' && allowed.length > 0) reply.header('vary', 'Origin')
  if (origin === undefined || (allowed !== '*' && !allowed.includes(origin))) return
  reply.headers({
    'access-control-allow-origin': allowed === '*' ? '*' : origin,
    'access-control-expose-headers': EXPOSED,
    ...(isPreflight(request) && {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': PREFLIGHT_SECONDS,
    }),
  })
}

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
