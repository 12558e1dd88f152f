import type { FastifyReply, FastifyRequest } from 'fastify'
import { isEndpoint } from '../../domain/publish-token.ts'
import type { Clock } from '../../ports/clock.ts'
import { parseIceFragment } from '../../protocol/sdp/ice-fragment.ts'
import { parseWebRtcOffer, type WebRtcOffer } from '../../protocol/sdp/webrtc-offer.ts'
import type { Services } from '../../services/services.ts'
import { originOf } from '../http/origin.ts'
import { authorOf, bearerOf, findPublisher } from './publisher.ts'
import type { RateLimit } from './rate-limit.ts'
import {
  FRAGMENT_TYPE,
  fragmentDamaged,
  noEndpoint,
  noRestart,
  noSession,
  OFFER_TYPE,
  offerRefused,
  tooManyOffers,
} from './refusals.ts'
import { readBody, requireType } from './request-body.ts'
import type { WhipSession } from './whip-session.ts'
import type { WhipSessions } from './whip-sessions.ts'

/** What requests are answered with. */
export interface HandlerOptions {
  readonly services: Pick<Services, 'access' | 'publishTokens'>
  readonly sessions: WhipSessions
  readonly clock: Clock
  readonly publicUrl: string | undefined
  /** The `Link` header fields of the answer to an offer. */
  readonly links: readonly string[]
  /** Of offers, by project. */
  readonly limit: RateLimit
  readonly bodyIdleMs: number
}

/** A request to an endpoint. */
export interface ByEndpoint {
  Params: { endpoint: string }
}

/** A request to a session. */
export interface BySession {
  Params: { endpoint: string; session: string }
}

const FROM_CHARACTERS_MAX = 256

/** POST: makes a session and its recording. Throws UNAUTHORIZED, WHIP_…, BODY_TOO_LARGE, UPLOAD_… codes and those of {@link WhipSessions.publish}. */
export const publish = async (
  options: HandlerOptions,
  request: FastifyRequest<ByEndpoint>,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { services, sessions, limit, clock, links } = options
  const { endpoint } = request.params
  const secret = bearerOf(request)
  const publisher = await findPublisher(services, secret, endpoint)
  if (!isEndpoint(endpoint)) throw noEndpoint()
  requireType(request, OFFER_TYPE)
  if (!limit.take(publisher.project.id, clock.nowMs())) throw tooManyOffers()
  const offer = await readOffer(request, options.bodyIdleMs)
  const from = (request.headers['user-agent'] ?? '').slice(0, FROM_CHARACTERS_MAX)
  const author = authorOf(secret)
  const { session, answer } = await sessions.publish({ ...publisher, endpoint, author, offer, from })
  const location = `${originOf(request, options.publicUrl)}/whip/${endpoint}/${session.parts.id}`
  reply.code(201).headers({ location, etag: session.parts.etag, 'accept-patch': FRAGMENT_TYPE })
  reply.headers({ 'cache-control': 'no-store', ...(links.length > 0 && { link: [...links] }) })
  return reply.type(OFFER_TYPE).send(answer)
}

/** PATCH: adds candidates. Throws UNAUTHORIZED, WHIP_…, BODY_TOO_LARGE and UPLOAD_… codes. */
export const trickle = async (
  options: HandlerOptions,
  request: FastifyRequest<BySession>,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const session = await findSession(options, request)
  requireType(request, FRAGMENT_TYPE)
  const precondition = failedPrecondition(request.headers['if-match'], session.parts.etag)
  if (precondition) return reply.code(precondition).send({ error: PRECONDITIONS[precondition] })
  const fragment = parseIceFragment(await readBody(request, options.bodyIdleMs))
  if (!fragment) throw fragmentDamaged()
  if (fragment.ufrag !== session.parts.iceUfrag) throw noRestart()
  await options.sessions.addCandidates(session, fragment)
  return reply.code(204).send()
}

/** DELETE: ends a session; its recording is final when this is answered. Throws UNAUTHORIZED, WHIP_SESSION_NOT_FOUND. */
export const unpublish = async (
  options: HandlerOptions,
  request: FastifyRequest<BySession>,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  await options.sessions.end(await findSession(options, request))
  return reply.code(200).send()
}

const readOffer = async (request: FastifyRequest, idleMs: number): Promise<WebRtcOffer> => {
  const offer = parseWebRtcOffer(await readBody(request, idleMs))
  if ('reason' in offer) throw offerRefused(offer)
  return offer
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
  { sessions, services }: HandlerOptions,
  request: FastifyRequest<BySession>,
): Promise<WhipSession> => {
  const secret = bearerOf(request)
  const { endpoint, session: id } = request.params
  const found = sessions.find(id, authorOf(secret))
  if (found?.parts.endpoint === endpoint) return found
  await findPublisher(services, secret, endpoint)
  throw noSession()
}
