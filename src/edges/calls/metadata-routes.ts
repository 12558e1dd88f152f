import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { PoulsenError } from '../../domain/errors.ts'
import { METADATA_VERSIONS_MAX } from '../../domain/session-metadata.ts'
import type { Uuid } from '../../domain/uuid.ts'
import { RS_METADATA_TYPE } from '../../protocol/rs-metadata/media-type.ts'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import { sendJson } from '../http/json.ts'
import { parseId } from '../http/parse-id.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { formatMetadata } from './format-metadata.ts'
import { METADATA_SCHEMA } from './metadata-schema.ts'
import { readMetadata } from './read-metadata.ts'

interface ById {
  Params: { id: string }
}

interface ByIdAndSequence extends ById {
  Querystring: Record<string, unknown>
}

const PATH = '/v1/recordings/:id/metadata'
const SEQUENCE = /^[1-9]\d{0,3}$/
const DOCUMENTED = { security: BASIC_SECURITY, tags: ['Calls'], params: Type.Object({ id: UUID_SCHEMA }) }
const ERRORS = { ...COMMON_ERRORS, 422: VALIDATION_ERROR_SCHEMA }
const DOCUMENT = {
  description: 'The document, its bytes as they came.',
  content: { [RS_METADATA_TYPE]: { schema: Type.String({ format: 'binary' }) } },
}

/** What session recording clients have said of recordings (RFC 7865): read, and as it came. */
export const registerMetadata = (app: FastifyInstance, services: Pick<Services, 'access' | 'recordings'>): void => {
  const onRequest = requirePermission(services.access, 'calling')
  const config = { family: 'own' as const }

  app.get<ById>(
    PATH,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'get_recording_metadata',
        summary: 'Get who took part in a recorded session, and when',
        response: { 200: METADATA_SCHEMA, ...ERRORS },
      },
    },
    async (request, reply) => {
      const id = parseId(request.params.id)
      const versions = await services.recordings.getMetadata(callerOf(request).project.id, id)
      return sendJson(reply, JSON.stringify(formatMetadata(id, await readMetadata(versions))))
    },
  )

  app.get<ByIdAndSequence>(
    `${PATH}.xml`,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'get_recording_metadata_document',
        summary: 'Get a metadata document as it came, the newest or another',
        querystring: Type.Object({
          sequence: Type.Optional(
            Type.Integer({ minimum: 1, maximum: METADATA_VERSIONS_MAX, description: 'Of `history`.' }),
          ),
        }),
        response: { 200: DOCUMENT, ...ERRORS },
      },
    },
    async (request, reply) => {
      const id = parseId(request.params.id)
      const sequence = parseSequence(request.query.sequence)
      const versions = await services.recordings.getMetadata(callerOf(request).project.id, id)
      const version = versions.at(sequence === undefined ? -1 : sequence - 1) ?? noDocument(id)
      return reply.headers(headersFor(id)).send(Buffer.from(version.xml))
    },
  )
}

/** Undefined when none is asked for. Throws QUERY_INVALID. */
const parseSequence = (value: unknown): number | undefined => {
  if (value === undefined) return undefined
  if (typeof value === 'string' && SEQUENCE.test(value)) return Number(value)
  throw new PoulsenError({
    code: 'QUERY_INVALID',
    kind: 'invalid',
    message: 'Query parameter sequence must be a whole number from 1 on.',
    details: { attribute: 'sequence' },
  })
}

/** A stranger wrote the document, and browsers run what XML tells them to: it is for saving, and nothing in it may do anything. */
const headersFor = (id: Uuid): Record<string, string> => ({
  'content-type': RS_METADATA_TYPE,
  'content-disposition': `attachment; filename="${id}.xml"`,
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
})

const noDocument = (id: Uuid): never => {
  throw new PoulsenError({
    code: 'METADATA_NOT_FOUND',
    kind: 'not-found',
    message: `The metadata of recording ${id} has no document of that sequence.`,
  })
}
