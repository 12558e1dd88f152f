import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { PoulsenError } from '../../domain/errors.ts'
import type { RequestReport } from '../../ports/telemetry.ts'
import { createConnections, HEADERS_MAX_BYTES, type TlsFiles } from './connections.ts'
import { bareBody, type ErrorFamily, renderError, statusOf, toPoulsenError } from './render-error.ts'
import { discardRest } from './request-body.ts'
import { RequestReports } from './request-reports.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How this route words its errors; `relay` when unsaid. */
    family?: ErrorFamily
  }
}

/** A way past the framework for the requests that are most frequent. It answers a request or gives it to `next`, never both. */
export type Lane = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** What the HTTP server is made with. */
export interface HttpServerOptions {
  readonly logger: Logger
  readonly onRequestEnded: (report: RequestReport) => void
  /** True once a stop has begun: every answer from then on ends its connection. */
  readonly isStopping: () => boolean
  readonly trustedProxies: readonly string[] | undefined
  readonly tls: TlsFiles | undefined
  readonly lane: Lane
}

/** A fastify instance that knows how this API words errors, ids and logs, and no route yet. */
export const buildHttpServer = (options: HttpServerOptions): FastifyInstance => {
  const { lane, tls } = options
  const reports = new RequestReports(options.onRequestEnded)
  const app = Fastify({
    serverFactory: (routes) =>
      createConnections(tls, (request, response) =>
        lane(request, response, () => {
          reports.watch(request, response)
          routes(request, response)
        }),
      ),
    logger: false,
    trustProxy: options.trustedProxies ? [...options.trustedProxies] : false,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      reports.note(request)
      answerError(options.logger, error, request, reply)
    },
  }) as unknown as FastifyInstance
  app.decorateRequest('caller', null)
  leaveBodiesAlone(app)
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.addHook('onRequest', (request, reply, done) => {
    reports.note(request)
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (options.isStopping()) reply.header('connection', 'close')
    done(null, payload)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(bareBody(404)))
  app.setErrorHandler((error, request, reply) => answerError(options.logger, error, request, reply))
  return app
}

/** Routes read bodies themselves, under their own limits; a body that nobody reads, or an empty one of any type, is no error. */
const leaveBodiesAlone = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
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
