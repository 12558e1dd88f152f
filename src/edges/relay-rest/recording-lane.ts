import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Project } from '../../domain/project.ts'
import type { Recording } from '../../domain/recording.ts'
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

/** A request of ours, until the turn of the event loop ends. */
interface Waiting {
  readonly response: ServerResponse
  readonly next: () => void
  readonly project: Project
  readonly id: Uuid
  readonly origin: string
  readonly begunMs: number
}

interface Answer {
  readonly waiting: Waiting
  readonly requestId: string
  readonly json: string
}

/**
 * The most frequent request of all, `GET` of one recording by a caller who was verified seconds ago, answered without the framework, which costs
 * more than the rest together. It answers only with 200, and as the route would; whatever else a request may need (a refusal, a body, a proxy's
 * headers, a lookup of its token, the report of a fault) is left to the route.
 *
 * Requests that came in one turn of the event loop are answered together, step by step: every step runs over all of them while the processor's
 * caches hold its code, and the client wakes once. That halves the cost of a request under load; one alone waits for nobody.
 */
export const recordingLane = (options: RecordingLaneOptions): Lane => {
  const { services, formatter } = options
  let turn: Waiting[] = []

  const answerTurn = async (): Promise<void> => {
    const all = turn
    turn = []
    const found = await Promise.allSettled(all.map(({ project, id }) => services.recordings.find(project.id, id)))
    const answers = all.flatMap((waiting, index) => answerOf(formatter, waiting, found[index]))
    for (const each of answers) send(each)
    for (const each of answers) options.onRequestEnded(reportOf(each))
  }

  return (request, response, next) => {
    const id = idOf(request)
    const origin = id === undefined || options.isStopping() ? undefined : originOf(request, options)
    const caller = origin === undefined ? undefined : callerOf(request, services.access)
    if (id === undefined || origin === undefined || !caller) return next()
    if (turn.length === 0) setImmediate(answerTurn)
    turn.push({ response, next, project: caller.project, id, origin, begunMs: performance.now() })
  }
}

/** One answer, or none: what was not found, or failed, the route finds out again, and words and reports it. */
const answerOf = (
  formatter: RecordingFormatter,
  waiting: Waiting,
  found: PromiseSettledResult<Recording | undefined> | undefined,
): Answer[] => {
  const recording = found?.status === 'fulfilled' ? found.value : undefined
  const json = recording && formatOrLeave(formatter, waiting, recording)
  if (json !== undefined) return [{ waiting, requestId: randomUUID(), json }]
  waiting.next()
  return []
}

/** One request's fault must not leave the others of its turn without an answer. */
const formatOrLeave = (formatter: RecordingFormatter, { project, origin }: Waiting, recording: Recording) => {
  try {
    return formatter.format(project, recording, origin)
  } catch {
    return undefined
  }
}

/** One string, one write: every character is ASCII. */
const send = ({ waiting, requestId, json }: Answer): void => {
  const length = String(json.length)
  waiting.response.writeHead(200, ['content-type', JSON_TYPE, 'x-request-id', requestId, 'content-length', length])
  waiting.response.end(json, 'latin1')
}

const reportOf = ({ waiting, requestId }: Answer): RequestReport => ({
  requestId,
  projectId: waiting.project.id,
  method: 'GET',
  route: ROUTE,
  status: 200,
  ms: performance.now() - waiting.begunMs,
})

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
