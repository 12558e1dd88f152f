import type { MediaPorts, StreamTerms } from '../../capture/call-recorder.ts'
import type { TrunkLayout } from '../../domain/trunk.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { SdpSession } from '../../protocol/sdp/offer.ts'
import { parseSdp, type SdpRefusal } from '../../protocol/sdp/parse-sdp.ts'
import { headerOf, headersOf, type SipRequest } from '../../protocol/sip/message.ts'
import { parseOptionTags } from '../../protocol/sip/option-tags.ts'
import { checkRequest } from '../../protocol/sip/required-headers.ts'
import type { InviteParts, PartsRefusal } from '../../protocol/siprec/invite-parts.ts'
import { type Remark, remark } from '../../protocol/siprec/remark.ts'
import { contactOf } from './dialog.ts'
import { legIdOf } from './leg-id.ts'
import { type MediaPolicy, MediaSession, STREAMS_MAX } from './media-session.ts'
import { isRecordingSession, RecordingSession, type SiprecSigns, siprecSignsOf } from './recording-session.ts'
import { FULFILLED, reasonOf } from './reply.ts'
import { readBody } from './session-body.ts'
import { negotiateSession } from './session-timer.ts'

/** What the trunk would say. */
export interface ExplainTerms extends MediaPolicy {
  readonly layout: TrunkLayout
}

/** What the server would do with an INVITE of somebody who may call. */
export interface ExplainedAnswer {
  readonly status: number
  /** Why it is no 200. */
  readonly reason?: string
  readonly signs: SiprecSigns
  readonly isSession: boolean
  readonly offer: SdpSession | SdpRefusal
  /** The session description of the answer. */
  readonly session: SdpSession | undefined
  /** Of the accepted lines, in their order. */
  readonly terms: StreamTerms
  /** Nothing is recorded before a line becomes active (RFC 7866 §10). */
  readonly isWaiting: boolean
  readonly legId: Uuid
  readonly remarks: readonly Remark[]
}

const NO_OFFER: SdpRefusal = { reason: 'there is none' }

/** Goes the way of an INVITE through the server, without its ports and its trunk. `parts` is the body as people would take it apart, for what is said of it. */
export const explainAnswer = (
  request: SipRequest,
  parts: InviteParts | PartsRefusal,
  terms: ExplainTerms,
): ExplainedAnswer => {
  const body = readBody(request)
  const { sdp, metadata } = body.kind === 'parts' ? body : {}
  const signs = siprecSignsOf(request, metadata)
  const isSession = isRecordingSession(signs)
  const session = isSession ? new RecordingSession(request) : undefined
  if (metadata) session?.take({ ...metadata, receivedAtMs: 0 })
  const offer = sdp === undefined ? NO_OFFER : parseSdp(sdp)
  const media = sdp === undefined ? undefined : answerOf(sdp, terms, session)
  const status = body.kind === 'refusal' ? body.reply.status : (media?.status ?? 200)
  const fault = faultOf(request) ?? (status === 200 ? undefined : faultOfBody(status, offer, parts))
  const streams = media?.terms.streams ?? []
  return {
    status: fault?.status ?? 200,
    ...(fault && { reason: fault.reason }),
    signs,
    isSession,
    offer,
    session: fault ? undefined : media?.session,
    terms: media?.terms ?? { streams: [] },
    isWaiting: session !== undefined && !session.hasSession && streams.every(({ isHeld }) => isHeld),
    legId: session ? session.legId : legIdOf(headerOf(request, 'Call-ID') ?? ''),
    remarks: [...(fault ? [fault.remark] : []), ...remarksOnOffer(sdp, body.kind === 'parts')],
  }
}

const remarksOnOffer = (sdp: string | undefined, isRead: boolean): readonly Remark[] =>
  sdp === undefined && isRead ? [remark('no_offer', 'There is no session description.')] : []

interface Fault {
  readonly status: number
  readonly reason: string
  readonly remark: Remark
}

/** What is refused whatever its body is. */
const faultOf = (request: SipRequest): Fault | undefined => {
  const fault = checkRequest(request)
  if (fault) return faulty(fault.status, fault.reason)
  const unknown = headersOf(request, 'Require')
    .flatMap(parseOptionTags)
    .filter((tag) => !FULFILLED.has(tag.toLowerCase()))
  if (unknown.length > 0) {
    const reason = `Require names ${unknown.join(', ')}, which is not supported`
    return { status: 420, reason, remark: remark('extension_required', `${reason}.`) }
  }
  if (contactOf(request) === undefined) return faulty(400, 'the Contact cannot be read')
  const timer = negotiateSession(request)
  return 'minSeconds' in timer ? faulty(422, `Session-Expires is below ${timer.minSeconds} s`) : undefined
}

const faulty = (status: number, reason: string): Fault => ({
  status,
  reason,
  remark: remark('request_faulty', `Something is wrong with the head: ${reason}.`),
})

const faultOfBody = (status: number, offer: SdpSession | SdpRefusal, parts: InviteParts | PartsRefusal): Fault => {
  if (status === 488) return { status, reason: 'no line can be recorded', remark: remark('nothing_taken', NOTHING) }
  const reason = whyRefused(status, offer, parts)
  return { status, reason, remark: remark('body_refused', `The body is refused: ${reason}.`) }
}

const NOTHING = 'No line of the offer can be recorded.'

const whyRefused = (status: number, offer: SdpSession | SdpRefusal, parts: InviteParts | PartsRefusal): string => {
  if ('reason' in parts) return parts.reason
  if ('reason' in offer && offer !== NO_OFFER) return `its session description cannot be read: ${offer.reason}`
  return status === 415 ? 'a part of it is not understood and may not be left out' : reasonOf(status)
}

/** The server's own negotiation, on ports that nobody listens on. */
const answerOf = (sdp: string, policy: MediaPolicy, session: RecordingSession | undefined) => {
  const ports: readonly MediaPorts[] = Array.from({ length: session ? STREAMS_MAX : 1 }, (_, index) => ({
    address: '192.0.2.1',
    rtpPort: 30_000 + 2 * index,
    rtcpPort: 30_001 + 2 * index,
  }))
  const media = new MediaSession({ ports, host: '192.0.2.1', policy, sessionId: '0', order: session })
  const answer = media.answer(sdp)
  if ('status' in answer) return { status: answer.status, session: undefined, terms: { streams: [] } }
  const answered = parseSdp(new TextDecoder().decode(answer.body))
  return { status: 200, session: 'reason' in answered ? undefined : answered, terms: answer.terms }
}
