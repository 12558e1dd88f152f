import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import type { RequestReport } from '../../ports/telemetry.ts'
import { parseBasic } from '../../protocol/basic.ts'
import { type Access, type Caller, isAllowed } from '../../services/access.ts'
import type { Recordings } from '../../services/recordings.ts'
import type { RecordingFormatter } from '../http/format-recording.ts'
import { JSON_TYPE } from '../http/json.ts'
import { isHost } from '../http/origin.ts'
import type { Lane } from '../http/server.ts'
import { PATH } from './routes.ts'

/** What the lane needs; the same parts as the routes have. */
export interface RecordingLaneOptions {
  readonly services: { readonly access: Access; readonly recordings: Recordings }
  readonly formatter: RecordingFormatter
  readonly publicUrl: string | undefined
  /** True when the request's own scheme and host are not the client's word alone. */
  readonly hasTrustedProxies: boolean
  readonly isStopping: () => boolean
  readonly onRequestEnded: (report: RequestReport) => void
}

const PREFIX = `${PATH}/`
const ROUTE = `${PATH}/:id`
const UUID_LENGTH = 36

/**
 * The most frequent request of all, `GET` of one recording by a caller who was verified seconds ago, answered without the framework, which costs
 * more than the rest together. It answers only with 200, and as the route would; whatever else a request may need (a refusal, a body, a proxy's
 * headers, a lookup of its token) is left to the route.
 */
export const recordingLane = (options: RecordingLaneOptions): Lane => {
  const { services, formatter, onRequestEnded } = options
  return (request, response, next) => {
    const begunMs = performance.now()
    const id = idOf(request)
    const origin = id && options.isStopping() ? undefined : originOf(request, options)
    const caller = id && origin ? callerOf(request, services.access) : undefined
    if (!id || !caller || origin === undefined) return next()
    const { project } = caller
    const answerFrom = async (): Promise<void> => {
      const recording = await services.recordings.find(project.id, id)
      if (!recording) return next()
      const requestId = randomUUID()
      answer(response, requestId, formatter.format(project, recording, origin))
      const ms = performance.now() - begunMs
      onRequestEnded({ requestId, projectId: project.id, method: 'GET', route: ROUTE, status: 200, ms })
    }
    answerFrom().catch(next)
  }
}

/** The id that a plain `GET` asks for. A request with a body is not plain. */
const idOf = ({ method, url = '', headers }: IncomingMessage): Uuid | undefined => {
  if (method !== 'GET' || url.length !== PREFIX.length + UUID_LENGTH || !url.startsWith(PREFIX)) return undefined
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return undefined
  return parseUuid(url.slice(PREFIX.length))
}

const originOf = (request: IncomingMessage, options: RecordingLaneOptions): string | undefined => {
  if (options.publicUrl !== undefined) return options.publicUrl
  const { host } = request.headers
  if (options.hasTrustedProxies || host === undefined || !isHost(host)) return undefined
  return `${(request.socket as TLSSocket).encrypted ? 'https' : 'http'}://${host}`
}

const callerOf = ({ headers }: IncomingMessage, access: Access): Caller | undefined => {
  const credentials = parseBasic(headers.authorization)
  const caller = credentials && access.recall(credentials.user, credentials.password)
  return caller && isAllowed(caller, 'calling') ? caller : undefined
}

/** One string, one write: every character is ASCII. */
const answer = (response: ServerResponse, requestId: string, json: string): void => {
  const length = String(json.length)
  response.writeHead(200, ['content-type', JSON_TYPE, 'x-request-id', requestId, 'content-length', length])
  response.end(json, 'latin1')
}
