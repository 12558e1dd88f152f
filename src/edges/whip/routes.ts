import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IceServer } from '../../domain/ice-server.ts'
import { type AllowedOrigins, allowOrigin } from './cors.ts'
import { type ByEndpoint, type BySession, type HandlerOptions, publish, trickle, unpublish } from './handlers.ts'
import { formatIceServers } from './ice-servers.ts'
import { RateLimit } from './rate-limit.ts'
import { FRAGMENT_TYPE, OFFER_TYPE } from './refusals.ts'
import { DELETE_SCHEMA, OPTIONS_SCHEMA, PATCH_SCHEMA, POST_SCHEMA } from './schemas.ts'

/** What the WHIP routes need. */
export interface WhipOptions extends Omit<HandlerOptions, 'links' | 'limit'> {
  readonly iceServers: readonly IceServer[]
  readonly origins: AllowedOrigins
  /** Offers of one project a second. */
  readonly postsPerSecond: number
}

/** What all routes have in common. */
type Route = Pick<Parameters<FastifyInstance['route']>[0], 'config' | 'onRequest'>

const ENDPOINT_PATH = '/whip/:endpoint'
const SESSION_PATH = '/whip/:endpoint/:session'
/** For what may come in a later standard (RFC 9725 §4.1). */
const RESERVED = ['GET', 'HEAD', 'PUT'] as const

/** WebRTC ingest (RFC 9725): one POST makes a session and its recording, PATCH adds candidates, DELETE ends it. */
export const registerWhip = (app: FastifyInstance, options: WhipOptions): void => {
  const { iceServers, origins, postsPerSecond, ...rest } = options
  const all = { ...rest, links: formatIceServers(iceServers), limit: new RateLimit(postsPerSecond) }
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => allowOrigin(request, reply, origins)
  const route = { config: { family: 'whip' as const }, onRequest }
  app.post<ByEndpoint>(ENDPOINT_PATH, { ...route, schema: POST_SCHEMA }, (...asked) => publish(all, ...asked))
  app.patch<BySession>(SESSION_PATH, { ...route, schema: PATCH_SCHEMA }, (...asked) => trickle(all, ...asked))
  app.delete<BySession>(SESSION_PATH, { ...route, schema: DELETE_SCHEMA }, (...asked) => unpublish(all, ...asked))
  registerOthers(app, route, ENDPOINT_PATH, { allow: 'POST, OPTIONS', 'accept-post': OFFER_TYPE })
  registerOthers(app, route, SESSION_PATH, { allow: 'PATCH, DELETE, OPTIONS', 'accept-patch': FRAGMENT_TYPE })
}

/** OPTIONS says what there is, and what is reserved is refused. */
const registerOthers = (
  app: FastifyInstance,
  route: Route,
  url: string,
  headers: { readonly allow: string; readonly [name: string]: string },
): void => {
  app.options(url, { ...route, schema: OPTIONS_SCHEMA }, async (_request, reply) =>
    reply.code(204).headers(headers).send(),
  )
  app.route({
    ...route,
    method: [...RESERVED],
    url,
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply.code(405).header('allow', headers.allow).send({ error: 'Method Not Allowed' }),
  })
}
