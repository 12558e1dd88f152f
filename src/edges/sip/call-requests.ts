import { randomInt } from 'node:crypto'
import type { Call } from './call.ts'
import { contactOf, sequenceOf } from './dialog.ts'
import type { Exchange } from './exchange.ts'
import { ALLOW, type Reply, retryAfter } from './reply.ts'
import { type MetadataPart, readBody } from './session-body.ts'
import { negotiateSession, type SessionTerms } from './session-timer.ts'

/** A peer that was too early tries again within so long (RFC 3261 §14.2). */
const RETRY_MAX_SECONDS = 10

const GONE: Reply = { status: 481 }
const GLARE: Reply = { status: 491 }
/** To a request that was being worked on when the call ended (RFC 3261 §15.1.2). */
const TERMINATED: Reply = { status: 487 }

const tooEarly = (): Reply => ({ status: 500, headers: retryAfter(randomInt(RETRY_MAX_SECONDS + 1)) })

/** The answer to a request within a call's dialog (RFC 3261 §12.2.2, §14.2, §15.1.2; RFC 3311 §5.2; RFC 6086 §4.2.2). `capabilities`: the answer to OPTIONS. */
export const answerInCall = async (call: Call, exchange: Exchange, capabilities: () => Reply): Promise<Reply> => {
  const { request } = exchange
  if (!call.dialog.takeSequence(sequenceOf(request))) return tooEarly()
  if (request.method === 'BYE') return await hangUp(call, exchange)
  if (call.isEnding) return GONE
  switch (request.method) {
    case 'INVITE':
    case 'UPDATE':
      return await modify(call, exchange)
    case 'OPTIONS':
      return capabilities()
    case 'INFO':
      // Digits and the like are nobody's business here: neither recorded nor logged.
      return { status: 200 }
    default:
      return { status: 405, headers: [['Allow', ALLOW]] }
  }
}

/**
 * The recording ends at once, whatever becomes of the last metadata of a recording session, which may come with the BYE (RFC 8068 §3.2.4): that is kept with what was
 * recorded until then.
 */
const hangUp = async (call: Call, exchange: Exchange): Promise<Reply> => {
  const body = readBody(exchange.request)
  const metadata = body.kind === 'parts' ? body.metadata : undefined
  const kept = metadata && call.keepLast({ ...metadata, receivedAtMs: exchange.startedAtMs })
  call.end('hangup', 'gone')
  await kept
  return { status: 200 }
}

/** A re-INVITE or UPDATE. Whatever it asks for and does not get, the session stays as it was. */
const modify = async (call: Call, exchange: Exchange): Promise<Reply> => {
  const { request } = exchange
  const session = negotiateSession(request)
  if ('minSeconds' in session) return { status: 422, headers: [['Min-SE', String(session.minSeconds)]] }
  const body = readBody(request)
  if (body.kind === 'refusal') return body.reply
  const hasOffer = body.sdp !== undefined || request.method === 'INVITE'
  const answer = call.changes.run({ method: request.method, hasOffer }, () =>
    change(call, exchange, { ...body, terms: session.terms }),
  )
  if (answer) return await answer
  return hasOffer && call.hasOpenOffer ? GLARE : tooEarly()
}

/** What a re-INVITE or UPDATE says. */
interface Change {
  readonly sdp?: string
  readonly metadata?: MetadataPart
  readonly terms: SessionTerms | undefined
}

/** Metadata of a recording session is durable before it is acknowledged, also when the rest is refused. */
const change = async (call: Call, exchange: Exchange, { sdp, metadata, terms }: Change): Promise<Reply> => {
  const { method } = exchange.request
  if (call.isEnding) return TERMINATED
  if (metadata) await call.takeMetadata({ ...metadata, receivedAtMs: exchange.startedAtMs })
  if (call.isEnding) return TERMINATED
  if (sdp === undefined && method === 'UPDATE') return refreshed(call, exchange, terms)
  if (call.hasOpenOffer) return GLARE
  if (method === 'INVITE' && !call.canAnswer) return tooEarly()
  return await renegotiate(call, exchange, { sdp, terms })
}

const renegotiate = async (
  call: Call,
  exchange: Exchange,
  { sdp, terms }: { readonly sdp: string | undefined; readonly terms: SessionTerms | undefined },
): Promise<Reply> => {
  const { request } = exchange
  if (sdp === undefined) {
    call.dialog.retarget(contactOf(request))
    return call.accept(exchange, { body: call.media.offer(), hasOffer: true, terms })
  }
  await call.makeRoom(sdp)
  // A BYE or a CANCEL has come meanwhile.
  if (call.isEnding || exchange.signal.aborted) return TERMINATED
  const answer = call.media.answer(sdp)
  if ('status' in answer) return answer
  call.dialog.retarget(contactOf(request))
  await call.update(answer.terms)
  return call.accept(exchange, { body: answer.body, terms })
}

const refreshed = (call: Call, exchange: Exchange, terms: SessionTerms | undefined): Reply => {
  call.dialog.retarget(contactOf(exchange.request))
  return call.accept(exchange, { terms })
}
