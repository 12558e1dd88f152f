import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PoulsenError } from '../../domain/errors.ts'
import { isEndpoint } from '../../domain/publish-token.ts'
import type { Clock } from '../../ports/clock.ts'
import { parseIceFragment } from '../../protocol/sdp/ice-fragment.ts'
import { parseWebRtcOffer } from '../../protocol/sdp/webrtc-offer.ts'
import type { Services } from '../../services/services.ts'
import { originOf } from '../http/origin.ts'
import { readText } from '../http/request-body.ts'
import { type AllowedOrigins, allowOrigin } from './cors.ts'
import { formatIceServers, type IceServer } from './ice-servers.ts'
import { authorOf, bearerOf, findPublisher } from './publisher.ts'
import { RateLimit } from './rate-limit.ts'
import {
  FRAGMENT_TYPE,
  fragmentDamaged,
  noEndpoint,
  noRestart,
  noSession,
  OFFER_TYPE,
  offerRefused,
  tooManyOffers,
  wrongType,
} from './refusals.ts'
import { DELETE_SCHEMA, OPTIONS_SCHEMA, PATCH_SCHEMA, POST_SCHEMA } from './schemas.ts'
import type { WhipSession } from './whip-session.ts'
import type { WhipSessions } from './whip-sessions.ts'

/** What the WHIP routes need. */
export interface WhipOptions {
  readonly services: Pick<Services, 'access' | 'publishTokens'>
  readonly sessions: WhipSessions
  readonly clock: Clock
  readonly publicUrl: string | undefined
  readonly iceServers: readonly IceServer[]
  readonly origins: AllowedOrigins
  /** Offers of one project a second. */
  readonly postsPerSecond: number
  readonly bodyIdleMs: number
}

interface ByEndpoint {
  Params: { endpoint: string }
}

interface BySession {
  Params: { endpoint: string; session: string }
}

const ENDPOINT_PATH = '/whip/:endpoint'
const SESSION_PATH = '/whip/:endpoint/:session'
const BODY_MAX_BYTES = 64 * 1024
const FROM_CHARACTERS_MAX = 256
/** For what may come in a later standard (RFC 9725 §4.1). */
const RESERVED = ['GET', 'HEAD', 'PUT'] as const

/** WebRTC ingest (RFC 9725): one POST makes a session and its recording, PATCH adds candidates, DELETE ends it. */
export const registerWhip = (app: FastifyInstance, options: WhipOptions): void => {
  const { sessions, services } = options
  const limit = new RateLimit(options.postsPerSecond)
  const links = formatIceServers(options.iceServers)
  const config = { family: 'whip' as const }
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => allowOrigin(request, reply, options.origins)
  const route = { config, onRequest }

  const publish = async (request: FastifyRequest<ByEndpoint>, reply: FastifyReply) => {
    const { endpoint } = request.params
    const secret = bearerOf(request)
    const publisher = await findPublisher(services, secret, endpoint)
    if (!isEndpoint(endpoint)) throw noEndpoint()
    requireType(request, OFFER_TYPE)
    if (!limit.take(publisher.project.id, options.clock.nowMs())) throw tooManyOffers()
    const offer = parseWebRtcOffer(await readBody(request, options.bodyIdleMs))
    if ('reason' in offer) throw offerRefused(offer)
    const from = (request.headers['user-agent'] ?? '').slice(0, FROM_CHARACTERS_MAX)
    const { session, answer } = await sessions.publish({
      ...publisher,
      endpoint,
      author: authorOf(secret),
      offer,
      from,
    })
    const { id, etag } = session.parts
    reply.code(201).headers({
      location: `${originOf(request, options.publicUrl)}/whip/${endpoint}/${id}`,
      etag,
      'accept-patch': FRAGMENT_TYPE,
      'cache-control': 'no-store',
      ...(links.length > 0 && { link: [...links] }),
    })
    return reply.type(OFFER_TYPE).send(answer)
  }

  app.post<ByEndpoint>(ENDPOINT_PATH, { ...route, schema: POST_SCHEMA }, publish)

  app.patch<BySession>(SESSION_PATH, { ...route, schema: PATCH_SCHEMA }, async (request, reply) => {
    const session = await findSession(options, request)
    requireType(request, FRAGMENT_TYPE)
    const precondition = failedPrecondition(request.headers['if-match'], session.parts.etag)
    if (precondition) return reply.code(precondition).send({ error: PRECONDITIONS[precondition] })
    const fragment = parseIceFragment(await readBody(request, options.bodyIdleMs))
    if (!fragment) throw fragmentDamaged()
    if (fragment.ufrag !== session.parts.iceUfrag) throw noRestart()
    await sessions.addCandidates(session, fragment)
    return reply.code(204).send()
  })

  app.delete<BySession>(SESSION_PATH, { ...route, schema: DELETE_SCHEMA }, async (request, reply) => {
    const session = await findSession(options, request)
    await sessions.end(session)
    return reply.code(200).send()
  })

  for (const [path, allow, accept] of [
    [ENDPOINT_PATH, 'POST, OPTIONS', { 'accept-post': OFFER_TYPE }],
    [SESSION_PATH, 'PATCH, DELETE, OPTIONS', { 'accept-patch': FRAGMENT_TYPE }],
  ] as const) {
    app.options(path, { ...route, schema: OPTIONS_SCHEMA }, async (_request, reply) =>
      reply
        .code(204)
        .headers({ ...accept, allow })
        .send(),
    )
    app.route({
      ...route,
      method: [...RESERVED],
      url: path,
      schema: { hide: true },
      handler: async (_request, reply) => reply.code(405).header('allow', allow).send({ error: 'Method Not Allowed' }),
    })
  }
}

const PRECONDITIONS = { 412: 'Precondition Failed', 428: 'Precondition Required' } as const

/** A PATCH says which ICE session it means; `*` asks for a new one (RFC 9725 §4.3.1), which a fragment of the present one does not need. */
const failedPrecondition = (ifMatch: string | undefined, etag: string): 412 | 428 | undefined => {
  if (ifMatch === undefined) return 428
  const isMeant = ifMatch
    .split(',')
    .map((each) => each.trim())
    .some((each) => each === etag || each === '*')
  return isMeant ? undefined : 412
}

/** The session of the URL, when the caller made it. Others learn only whether their own token is good. Throws UNAUTHORIZED, WHIP_SESSION_NOT_FOUND. */
const findSession = async (
  { sessions, services }: WhipOptions,
  request: FastifyRequest<BySession>,
): Promise<WhipSession> => {
  const secret = bearerOf(request)
  const { endpoint, session: id } = request.params
  const found = sessions.find(id, authorOf(secret))
  if (found?.parts.endpoint === endpoint) return found
  await findPublisher(services, secret, endpoint)
  throw noSession()
}

const requireType = (request: FastifyRequest, wanted: string): void => {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== wanted) throw wrongType(wanted)
}

/** An honest client learns before it sends the body that it is too large. */
const readBody = (request: FastifyRequest, idleMs: number): Promise<string> => {
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES) throw tooLarge()
  return readText(request.raw, BODY_MAX_BYTES, idleMs)
}

const tooLarge = (): PoulsenError =>
  new PoulsenError({
    code: 'BODY_TOO_LARGE',
    kind: 'too-large',
    message: `The body is larger than ${BODY_MAX_BYTES} bytes.`,
  })
