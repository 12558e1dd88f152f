import type { FastifyRequest } from 'fastify'
import type { Project } from '../../domain/project.ts'
import type { PublisherMetadata } from '../../domain/publish-token.ts'
import type { Uuid } from '../../domain/uuid.ts'
import { parseBearer } from '../../protocol/bearer.ts'
import { digestOf, isAllowed } from '../../services/access.ts'
import type { Services } from '../../services/services.ts'
import { unauthorized } from '../http/authenticate.ts'
import type { Unclaim } from './publication.ts'

/** Who may publish on an endpoint now. */
export interface Publisher {
  readonly project: Project
  readonly legId: Uuid | undefined
  readonly metadata: PublisherMetadata | undefined
  /** Uses up what lets them, and gives what undoes that; throws when it has been done already: where two come at once, one of them is told so. */
  readonly claim: () => Promise<Unclaim>
}

type Rooms = Pick<Services, 'access' | 'publishTokens'>

/** The token of a request's `Authorization: Bearer`. Throws UNAUTHORIZED when there is none. */
export const bearerOf = (request: FastifyRequest): string => {
  const secret = parseBearer(request.headers.authorization)
  if (secret === undefined) throw unauthorized()
  return secret
}

/** What a session remembers of the token that made it. */
export const authorOf = (secret: string): string => digestOf(secret)

/** Who a bearer is: a project by one of its tokens that has `calling`, or who was given a token for this one endpoint. Throws UNAUTHORIZED. */
export const findPublisher = async (services: Rooms, secret: string, endpoint: string): Promise<Publisher> => {
  const given = await services.publishTokens.find(secret, endpoint)
  if (given) {
    const { token, project } = given
    const claim = async () => {
      if (!(await services.publishTokens.use(token))) throw unauthorized()
      return () => services.publishTokens.free(token)
    }
    return { project, legId: token.legId, metadata: token.metadata, claim }
  }
  const caller = await services.access.verifyToken(secret)
  if (!caller || !isAllowed(caller, 'calling')) throw unauthorized()
  return { project: caller.project, legId: undefined, metadata: undefined, claim: async () => async () => {} }
}
