import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import type { RecordingFormatter } from '../http/format-recording.ts'
import { sendJson } from '../http/json.ts'
import { originOf } from '../http/origin.ts'
import { parseId } from '../http/parse-id.ts'
import { RECORDING_PAGE_SCHEMA, RECORDING_SCHEMA } from '../http/recording-schema.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { formatLinks, parsePageQuery } from './page-query.ts'

/** What the relay routes need. */
export interface RelayRestOptions {
  readonly services: Services
  readonly formatter: RecordingFormatter
  readonly publicUrl: string | undefined
}

interface ById {
  Params: { id: string }
}

/** Where the resource lives. */
export const PATH = '/api/relay/rest/recordings'
const TAGS = ['Recordings']
const ERRORS = { ...COMMON_ERRORS, 422: VALIDATION_ERROR_SCHEMA }
const PAGE_QUERY_SCHEMA = Type.Object({
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  page_number: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  page_token: Type.Optional(Type.String({ description: 'Opaque; take it from links.' })),
})
const BY_ID = { params: Type.Object({ id: UUID_SCHEMA }), security: BASIC_SECURITY, tags: TAGS }

/** SignalWire's Relay REST Recordings resource: get, list and delete. */
export const registerRelayRest = (app: FastifyInstance, options: RelayRestOptions): void => {
  const { services, formatter, publicUrl } = options
  const onRequest = requirePermission(services.access, 'calling')

  app.get<ById>(
    `${PATH}/:id`,
    {
      onRequest,
      schema: {
        ...BY_ID,
        operationId: 'get_call_recording',
        summary: 'Get a recording',
        response: { 200: RECORDING_SCHEMA, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { project } = callerOf(request)
      const recording = await services.recordings.get(project.id, parseId(request.params.id))
      return sendJson(reply, formatter.format(project, recording, originOf(request, publicUrl)))
    },
  )

  app.get<{ Querystring: Record<string, unknown> }>(
    PATH,
    {
      onRequest,
      schema: {
        operationId: 'list_call_recordings',
        summary: 'List recordings, newest first',
        security: BASIC_SECURITY,
        tags: TAGS,
        querystring: PAGE_QUERY_SCHEMA,
        response: { 200: RECORDING_PAGE_SCHEMA, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { project } = callerOf(request)
      const query = parsePageQuery(request.query)
      const page = await services.recordings.list(project.id, query.request)
      const origin = originOf(request, publicUrl)
      const data = page.items.map((recording) => formatter.format(project, recording, origin))
      const links = JSON.stringify(formatLinks(origin + PATH, query, page))
      return sendJson(reply, `{"links":${links},"data":[${data.join(',')}]}`)
    },
  )

  app.delete<ById>(
    `${PATH}/:id`,
    {
      onRequest,
      schema: {
        ...BY_ID,
        operationId: 'delete_call_recording',
        summary: 'Delete a recording and its audio',
        response: { 204: Type.Null(), ...ERRORS },
      },
    },
    async (request, reply) => {
      await services.recordings.delete(callerOf(request).project.id, parseId(request.params.id))
      return reply.code(204).send()
    },
  )
}
