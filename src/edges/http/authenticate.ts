import type { FastifyReply, FastifyRequest } from 'fastify'
import { PoulsenError } from '../../domain/errors.ts'
import type { Permission } from '../../domain/token.ts'
import { parseBasic } from '../../protocol/basic.ts'
import { type Access, type Caller, isAllowed } from '../../services/access.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking; null until the authentication hook has run. */
    caller: Caller | null
  }
}

/** The caller behind a request's Authorization header, or undefined. */
export const findCaller = async (access: Access, request: FastifyRequest): Promise<Caller | undefined> => {
  const credentials = parseBasic(request.headers.authorization)
  return credentials && access.verify(credentials.user, credentials.password)
}

/** The refusal of bad credentials and of a missing permission alike: nobody learns which it was. */
export const unauthorized = (): PoulsenError =>
  new PoulsenError({ code: 'UNAUTHORIZED', kind: 'unauthenticated', message: 'Access is unauthorized.' })

/** An `onRequest` hook that lets through only callers whose token has the permission; runs before any body is read. */
export const requirePermission =
  (access: Access, permission: Permission) =>
  async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    const caller = await findCaller(access, request)
    if (!caller || !isAllowed(caller, permission)) throw unauthorized()
    request.caller = caller
  }

/** The caller of a request that {@link requirePermission} has let through. */
export const callerOf = (request: FastifyRequest): Caller => {
  if (!request.caller) throw unauthorized()
  return request.caller
}
