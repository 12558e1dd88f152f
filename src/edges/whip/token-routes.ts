import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { ENDPOINT_PATTERN, PUBLISH_TOKEN_SECONDS_MAX, PUBLISHER_METADATA_MAX } from '../../domain/publish-token.ts'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import { originOf } from '../http/origin.ts'
import { readText } from '../http/request-body.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { parsePublishTokenBody } from './parse-token-body.ts'

/** What the route needs. */
export interface PublishTokenOptions {
  readonly services: Pick<Services, 'access' | 'publishTokens'>
  readonly publicUrl: string | undefined
  readonly bodyIdleMs: number
}

const BODY_MAX_BYTES = 64 * 1024
const METADATA = Type.Record(Type.String(), Type.String(), {
  description: `Up to ${PUBLISHER_METADATA_MAX.entries} names and values of your own, kept with the recording's call.`,
})

/** Tokens that a server hands to a browser, so that the project's own stay at home. */
export const registerPublishTokens = (app: FastifyInstance, options: PublishTokenOptions): void => {
  const { access, publishTokens } = options.services
  app.post(
    '/v1/whip/tokens',
    {
      onRequest: requirePermission(access, 'calling'),
      config: { family: 'own' },
      schema: {
        operationId: 'create_publish_token',
        summary: 'Make a token that publishes once, on one endpoint, for a short time',
        security: BASIC_SECURITY,
        tags: ['WebRTC'],
        body: Type.Object({
          endpoint: Type.String({ pattern: ENDPOINT_PATTERN }),
          expires_in: Type.Optional(
            Type.Integer({ minimum: 1, maximum: PUBLISH_TOKEN_SECONDS_MAX, default: 60, description: 'Seconds.' }),
          ),
          leg_id: Type.Optional(UUID_SCHEMA),
          metadata: Type.Optional(METADATA),
        }),
        response: {
          201: Type.Object({
            token: Type.String({ pattern: '^PW[0-9a-f]{48}$', description: 'Shown only here.' }),
            endpoint: Type.String(),
            url: Type.String({ format: 'uri', description: 'Where to publish to.' }),
            expires_at: Type.String({ format: 'date-time' }),
          }),
          ...COMMON_ERRORS,
          408: VALIDATION_ERROR_SCHEMA,
          413: VALIDATION_ERROR_SCHEMA,
          422: VALIDATION_ERROR_SCHEMA,
        },
      },
    },
    async (request, reply) => {
      const said = parsePublishTokenBody(await readText(request.raw, BODY_MAX_BYTES, options.bodyIdleMs))
      const { token, secret } = await publishTokens.create({ projectId: callerOf(request).project.id, ...said })
      return reply.code(201).send({
        token: secret,
        endpoint: token.endpoint,
        url: `${originOf(request, options.publicUrl)}/whip/${token.endpoint}`,
        expires_at: new Date(token.expiresAtMs).toISOString(),
      })
    },
  )
}
