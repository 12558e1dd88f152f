import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { PoulsenError } from '../../domain/errors.ts'
import { LEG_TYPES, TRACKS } from '../../domain/recording.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import type { RecordingFormatter } from '../http/format-recording.ts'
import { sendJson } from '../http/json.ts'
import { originOf } from '../http/origin.ts'
import { parseId } from '../http/parse-id.ts'
import { RECORDING_SCHEMA } from '../http/recording-schema.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { parseIngestQuery } from './parse-query.ts'
import { openUpload } from './upload-body.ts'

/** What the ingest routes need. */
export interface IngestOptions {
  readonly services: Services
  readonly ids: Ids
  readonly formatter: RecordingFormatter
  readonly publicUrl: string | undefined
  readonly idleMs: number
}

const PATH = '/v1/recordings'
const REFUSED = VALIDATION_ERROR_SCHEMA
const BINARY = Type.String({ format: 'binary' })
const DOCUMENTED = {
  security: BASIC_SECURITY,
  tags: ['Ingest'],
  description:
    'The body is the audio itself (WAV, MP3 or Ogg; any audio type, the bytes decide) or a form with one file. Length, channels and format are read from the bytes.',
  body: {
    content: {
      'audio/wav': { schema: BINARY },
      'audio/mpeg': { schema: BINARY },
      'audio/ogg': { schema: BINARY },
      'multipart/form-data': { schema: Type.Object({ file: BINARY }) },
    },
  },
  querystring: Type.Object({
    leg_type: Type.Optional(Type.String({ enum: [...LEG_TYPES], default: 'sip' })),
    leg_id: Type.Optional(UUID_SCHEMA),
    track: Type.Optional(Type.String({ enum: [...TRACKS], default: 'both' })),
    started_at: Type.Optional(Type.String({ format: 'date-time', description: 'Becomes created_at.' })),
    conference_id: Type.Optional(UUID_SCHEMA),
  }),
}
const ERRORS = { ...COMMON_ERRORS, 408: REFUSED, 409: REFUSED, 413: REFUSED, 415: REFUSED, 422: REFUSED, 503: REFUSED }

/** Ingest of finished audio: POST makes a recording, PUT makes it under the sender's own id and may be repeated. */
export const registerIngest = (app: FastifyInstance, options: IngestOptions): void => {
  const { services, formatter } = options
  const onRequest = requirePermission(services.access, 'storage')
  const config = { family: 'own' as const }

  const ingest = async (request: FastifyRequest, reply: FastifyReply, id?: Uuid) => {
    const { project } = callerOf(request)
    const { legType, legId, ...said } = parseIngestQuery(request.query as Record<string, unknown>)
    rejectOversized(request, services.ingest.limits.sizeMaxBytes)
    const source = openUpload(request.raw, options.idleMs)
    const leg = { type: legType, id: legId ?? options.ids.uuid() }
    const result = await services.ingest.ingest({ project, ...(id !== undefined && { id }), leg, ...said, source })
    reply.code(result.outcome === 'stored' ? 201 : 200)
    reply.header('location', `/api/relay/rest/recordings/${result.recording.id}`)
    return sendJson(reply, formatter.format(project, result.recording, originOf(request, options.publicUrl)))
  }

  app.post(
    PATH,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'create_recording',
        summary: 'Store finished audio as a recording',
        response: { 201: RECORDING_SCHEMA, ...ERRORS },
      },
    },
    (request, reply) => ingest(request, reply),
  )

  app.put<{ Params: { id: string } }>(
    `${PATH}/:id`,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'put_recording',
        summary: 'Store finished audio under an id of your own; repeating it is harmless',
        params: Type.Object({ id: UUID_SCHEMA }),
        response: { 200: RECORDING_SCHEMA, 201: RECORDING_SCHEMA, ...ERRORS },
      },
    },
    (request, reply) => ingest(request, reply, parseId(request.params.id)),
  )
}

/** An honest client learns before it sends the body that it is too large. */
const rejectOversized = (request: FastifyRequest, sizeMaxBytes: number): void => {
  if (Number(request.headers['content-length'] ?? 0) <= sizeMaxBytes) return
  throw new PoulsenError({
    code: 'UPLOAD_TOO_LARGE',
    kind: 'too-large',
    message: `The upload is larger than ${sizeMaxBytes} bytes.`,
    hint: 'Raise POULSEN_UPLOAD_MAX_BYTES to take larger ones.',
    details: { sizeMaxBytes },
  })
}
