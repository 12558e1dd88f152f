import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import type { RecordingFormatter } from '../http/format-recording.ts'
import { sendJson } from '../http/json.ts'
import { originOf } from '../http/origin.ts'
import { parseId } from '../http/parse-id.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { DETAILED_RECORDING_SCHEMA } from './details-schema.ts'
import { formatDetails } from './format-details.ts'
import { registerMetadata } from './metadata-routes.ts'

/** What the routes of call details need. */
export interface CallsOptions {
  readonly services: Pick<Services, 'access' | 'recordings'>
  readonly formatter: RecordingFormatter
  readonly publicUrl: string | undefined
}

/** Our own view of a recording: the relay fields, the exact ones, the call that it was made of, and who took part in it. */
export const registerCalls = (app: FastifyInstance, { services, formatter, publicUrl }: CallsOptions): void => {
  registerMetadata(app, services)
  app.get<{ Params: { id: string } }>(
    '/v1/recordings/:id',
    {
      onRequest: requirePermission(services.access, 'calling'),
      config: { family: 'own' },
      schema: {
        operationId: 'get_recording_details',
        summary: 'Get a recording with its call and the quality of its media',
        security: BASIC_SECURITY,
        tags: ['Calls'],
        params: Type.Object({ id: UUID_SCHEMA }),
        response: { 200: DETAILED_RECORDING_SCHEMA, ...COMMON_ERRORS, 422: VALIDATION_ERROR_SCHEMA },
      },
    },
    async (request, reply) => {
      const { project } = callerOf(request)
      const { recording, call } = await services.recordings.getWithCall(project.id, parseId(request.params.id))
      const relay = formatter.format(project, recording, originOf(request, publicUrl))
      const more = JSON.stringify(formatDetails(recording, call))
      return sendJson(reply, `${relay.slice(0, -1)},${more.slice(1)}`)
    },
  )
}
