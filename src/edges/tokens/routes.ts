import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { PoulsenError } from '../../domain/errors.ts'
import { PERMISSIONS, type Token } from '../../domain/token.ts'
import type { Services } from '../../services/services.ts'
import { callerOf, requirePermission } from '../http/authenticate.ts'
import { parseId } from '../http/parse-id.ts'
import { readText } from '../http/request-body.ts'
import { BASIC_SECURITY, COMMON_ERRORS, UUID_SCHEMA } from '../http/schemas.ts'
import { parseTokenBody, requireNewToken, type TokenBody } from './parse-body.ts'

const PATH = '/api/project/tokens'
const BODY_MAX_BYTES = 64 * 1024
const TAGS = ['Project tokens']

const PERMISSION_LIST = Type.Array(Type.String({ enum: [...PERMISSIONS] }), { minItems: 1 })
const TOKEN_FIELDS = { id: UUID_SCHEMA, name: Type.String(), permissions: PERMISSION_LIST }
const ERROR_LIST = Type.Object({
  errors: Type.Array(
    Type.Object({
      type: Type.String(),
      code: Type.String(),
      message: Type.String(),
      attribute: Type.String(),
      url: Type.String(),
    }),
  ),
})
const DOCUMENTED = { security: BASIC_SECURITY, tags: TAGS }
const ERRORS = { ...COMMON_ERRORS, 413: ERROR_LIST, 422: ERROR_LIST }

interface ById {
  Params: { tokenId: string }
}

const formatToken = ({ id, name, permissions }: Token) => ({ id, name, permissions })

/** The project API's tokens: create, update and revoke. */
export const registerTokens = (
  app: FastifyInstance,
  options: { readonly services: Services; readonly bodyIdleMs: number },
): void => {
  const { access, tokens } = options.services
  const onRequest = requirePermission(access, 'management')
  const config = { family: 'project' as const }
  const readBody = async (request: FastifyRequest): Promise<TokenBody> =>
    parseTokenBody(await readText(request.raw, BODY_MAX_BYTES, options.bodyIdleMs))

  /** Subprojects do not exist here, so the only project that a token can be made for is the caller's own. */
  const requireOwnProject = (request: FastifyRequest, { subprojectId }: TokenBody): void => {
    if (subprojectId === undefined || subprojectId === callerOf(request).project.id) return
    throw new PoulsenError({
      code: 'INVALID_SUBPROJECT_ID',
      kind: 'invalid',
      message: 'Subproject id is not a subproject of this project',
      details: { attribute: 'subproject_id' },
    })
  }

  app.post(
    PATH,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'create_token',
        summary: 'Create an API token; its secret is shown only here',
        body: Type.Object({
          name: Type.String(),
          permissions: PERMISSION_LIST,
          subproject_id: Type.Optional(UUID_SCHEMA),
        }),
        response: {
          200: Type.Object({ ...TOKEN_FIELDS, token: Type.String({ pattern: '^PT[0-9a-f]{48}$' }) }),
          ...ERRORS,
        },
      },
    },
    async (request) => {
      const body = await readBody(request)
      requireOwnProject(request, body)
      const projectId = callerOf(request).project.id
      const { token, secret } = await tokens.create({ projectId, ...requireNewToken(body) })
      return { ...formatToken(token), token: secret }
    },
  )

  app.patch<ById>(
    `${PATH}/:tokenId`,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'update_token',
        summary: 'Change the name or the permissions of a token',
        params: Type.Object({ tokenId: UUID_SCHEMA }),
        body: Type.Object({ name: Type.Optional(Type.String()), permissions: Type.Optional(PERMISSION_LIST) }),
        response: { 200: Type.Object(TOKEN_FIELDS), ...ERRORS },
      },
    },
    async (request) => {
      const id = parseId(request.params.tokenId)
      const { name, permissions } = await readBody(request)
      const changes = { ...(name !== undefined && { name }), ...(permissions && { permissions }) }
      return formatToken(await tokens.update(callerOf(request).project.id, id, changes))
    },
  )

  app.delete<ById>(
    `${PATH}/:tokenId`,
    {
      onRequest,
      config,
      schema: {
        ...DOCUMENTED,
        operationId: 'delete_token',
        summary: 'Revoke a token, at once',
        params: Type.Object({ tokenId: UUID_SCHEMA }),
        response: { 204: Type.Null(), ...ERRORS },
      },
    },
    async (request, reply) => {
      const revoked = await tokens.revoke(callerOf(request).project.id, parseId(request.params.tokenId))
      if (!revoked) throw new PoulsenError({ code: 'TOKEN_NOT_FOUND', kind: 'not-found', message: 'No such token.' })
      return reply.code(204).send()
    },
  )
}
