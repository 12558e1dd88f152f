import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { PoulsenError } from '../../domain/errors.ts'
import { bareBody, type ErrorFamily, renderError, statusOf, toPoulsenError } from './render-error.ts'
import { discardRest } from './request-body.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How this route words its errors; `relay` when unsaid. */
    family?: ErrorFamily
  }
}

/** What the HTTP server is made with. */
export interface HttpServerOptions {
  readonly logger: Logger
  readonly onRequestEnded: (route: string, method: string, status: number, seconds: number) => void
  /** True once a stop has begun: every answer from then on ends its connection. */
  readonly isStopping: () => boolean
  readonly trustedProxies: readonly string[] | undefined
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined
}

/** Bounds of a connection. Bodies have their own (the upload's idle time and size), so there is no limit on a whole request. */
const HEADERS_TIMEOUT_MS = 15_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const HEADERS_MAX_BYTES = 16 * 1024
const REQUESTS_PER_CONNECTION_MAX = 1_000_000

/** A fastify instance that knows how this API words errors, ids and logs, and no route yet. */
export const buildHttpServer = (options: HttpServerOptions): FastifyInstance => {
  const app = Fastify({
    ...(options.tls && { https: { ...options.tls, maxHeaderSize: HEADERS_MAX_BYTES } }),
    ...(!options.tls && { http: { maxHeaderSize: HEADERS_MAX_BYTES } }),
    logger: false,
    trustProxy: options.trustedProxies ? [...options.trustedProxies] : false,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxRequestsPerSocket: REQUESTS_PER_CONNECTION_MAX,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => answerError(options.logger, error, request, reply),
  }) as unknown as FastifyInstance
  app.server.headersTimeout = HEADERS_TIMEOUT_MS
  app.decorateRequest('caller', null)
  leaveBodiesAlone(app)
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    if (options.isStopping()) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => report(options, request, reply))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(bareBody(404)))
  app.setErrorHandler((error, request, reply) => answerError(options.logger, error, request, reply))
  return app
}

/** Routes read bodies themselves, under their own limits; a body that nobody reads, or an empty one of any type, is no error. */
const leaveBodiesAlone = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

const report = (options: HttpServerOptions, request: FastifyRequest, reply: FastifyReply): void => {
  const route = request.routeOptions.url ?? 'unknown'
  const ms = reply.elapsedTime
  options.onRequestEnded(route, request.method, reply.statusCode, ms / 1000)
  const project_id = request.caller?.project.id
  options.logger.info(
    {
      request_id: request.id,
      project_id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(ms * 1000) / 1000,
    },
    'request',
  )
}

/** The one place where an error is logged and becomes an answer. */
const answerError = (logger: Logger, thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const error = toPoulsenError(fromFramework(thrown))
  const status = statusOf(error)
  if (status >= 500)
    logger.error({ request_id: request.id, route: request.routeOptions?.url, err: error }, error.message)
  if (reply.raw.headersSent) return
  const rendered = renderError(error, request.routeOptions?.config?.family ?? 'relay')
  // Even to a client that wants the connection closed: closing under a body that is still coming would destroy the answer.
  if (!request.raw.complete) reply.header('connection', 'keep-alive')
  discardRest(request.raw)
  reply.code(rendered.status).headers(rendered.headers).header('x-request-id', request.id).send(rendered.body)
}

/** The framework's own refusals of a request, in our kinds: a URL that cannot be decoded names nothing that exists. */
const fromFramework = (thrown: unknown): unknown => {
  const { code, statusCode } = thrown as Partial<FastifyError>
  if (thrown instanceof PoulsenError || typeof code !== 'string' || !code.startsWith('FST_')) return thrown
  if (code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_ROUTE_MAX_PARAM_LENGTH') return refusal('not-found', code)
  return statusCode === 415 ? refusal('unsupported', 'UPLOAD_TYPE_UNSUPPORTED') : thrown
}

const refusal = (kind: 'not-found' | 'unsupported', code: string): PoulsenError =>
  new PoulsenError({ code, kind, message: 'The request cannot be understood.' })

/** What is not HTTP, or too large a head, gets an answer of its own below the framework, then the connection ends. */
const answerBrokenRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = BROKEN[error.code ?? ''] ?? 400
  const body = JSON.stringify(bareBody(status))
  socket.end(
    `HTTP/1.1 ${status} ${bareBody(status).error}\r\nx-request-id: ${randomUUID()}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const BROKEN: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
