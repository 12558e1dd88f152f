import type { CallRecorder, Reservation } from '../../capture/call-recorder.ts'
import type { Project } from '../../domain/project.ts'
import type { MetadataVersion } from '../../domain/session-metadata.ts'
import type { Trunk } from '../../domain/trunk.ts'
import { headerOf } from '../../protocol/sip/message.ts'
import { parseSipUri } from '../../protocol/sip/sip-uri.ts'
import type { Admission } from './admission.ts'
import { Call } from './call.ts'
import type { CallDescription } from './call-recording.ts'
import type { CallSurroundings } from './call-surroundings.ts'
import { contactOf, Dialog } from './dialog.ts'
import type { Exchange } from './exchange.ts'
import { formatHostPort, type LocalEnd, type SipFlow } from './flow.ts'
import { legIdOf } from './leg-id.ts'
import { isWildcard } from './local-address.ts'
import { codecsOf, type MediaPolicy, MediaSession, STREAMS_MAX } from './media-session.ts'
import { isRecordingSession, RecordingSession, SRS_FEATURE, siprecSignsOf } from './recording-session.ts'
import { BUSY, type Reply, replyOfError } from './reply.ts'
import { readBody } from './session-body.ts'
import { negotiateSession, type SessionTerms } from './session-timer.ts'

/** What we offer to a recording client that wants an offer of us; one stream to a phone. */
const OFFERED_STREAMS = 2
/** Longest identity that is kept with a recording. */
const IDENTITY_MAX = 1_024

/** A caller that was let in. */
interface Admitted {
  readonly trunk: Trunk
  readonly project: Project
}

/** What an INVITE asks for, once it has been found in order. */
interface Invite {
  /** Undefined: the peer wants an offer of ours. */
  readonly offer: string | undefined
  readonly metadata: MetadataVersion | undefined
  /** Present when it begins a recording session (RFC 7866). */
  readonly session: RecordingSession | undefined
  readonly target: string
  readonly terms: SessionTerms | undefined
}

/** Answers the INVITEs that begin calls: who, media ports, agreement, recording, and only then the 200. */
export class Invitations {
  readonly #surroundings: CallSurroundings
  readonly #admission: Admission
  readonly #recorder: CallRecorder

  constructor(options: {
    readonly surroundings: CallSurroundings
    readonly admission: Admission
    readonly recorder: CallRecorder
  }) {
    this.#surroundings = options.surroundings
    this.#admission = options.admission
    this.#recorder = options.recorder
  }

  async answer(exchange: Exchange): Promise<Reply> {
    const admitted = await this.#admission.admit(exchange.request, exchange.flow)
    if ('status' in admitted) return admitted
    exchange.flow.trust()
    exchange.onAnswered((reply) => this.#reportRefusal(exchange, admitted, reply))
    exchange.trying()
    const giveBack = this.#surroundings.calls.takeRoom()
    if (!giveBack) return BUSY
    const reply = await this.#setUp(exchange, admitted).catch(replyOfError)
    return {
      ...reply,
      onSent: (response) => giveBack(() => reply.onSent?.(response)),
      onDropped: () => giveBack(() => reply.onDropped?.()),
    }
  }

  async #setUp(exchange: Exchange, admitted: Admitted): Promise<Reply> {
    const invite = readInvite(exchange)
    if ('status' in invite) return invite
    const policy: MediaPolicy = { ...admitted.trunk, codecs: codecsOf(admitted.trunk.codecs) }
    const streamCount = countStreams(invite, policy)
    if (typeof streamCount !== 'number') return streamCount
    const local = await exchange.flow.findLocal()
    const reservation = await this.#recorder.reserve({
      family: exchange.flow.remote.address.includes(':') ? 6 : 4,
      streamCount,
      address: local.address,
      ...(invite.session && { isSeparate: admitted.trunk.layout === 'separate' }),
    })
    if (exchange.signal.aborted) {
      reservation.release()
      return BUSY
    }
    const media = new MediaSession({
      ports: reservation.ports,
      host: mediaHost(reservation, local),
      policy,
      sessionId: sessionIdOf(exchange, reservation),
      order: invite.session,
    })
    return await this.#begin(exchange, { invite, admitted, reservation, media, local })
  }

  async #begin(
    exchange: Exchange,
    parts: {
      readonly invite: Invite
      readonly admitted: Admitted
      readonly reservation: Reservation
      readonly media: MediaSession
      readonly local: LocalEnd
    },
  ): Promise<Reply> {
    const { invite, admitted, media, local, reservation } = parts
    const { request, flow } = exchange
    const call = new Call(
      {
        dialog: new Dialog(request, exchange.toTag, invite.target),
        flow,
        media,
        reservation,
        startedAtMs: exchange.startedAtMs,
        describe: () => describe(exchange, admitted, invite.session, this.#surroundings.timers.nowMs()),
        contact: formatContact(flow, local, request.uri) + (invite.session ? `;${SRS_FEATURE}` : ''),
        session: invite.session && { state: invite.session, isKept: admitted.trunk.keepsMetadata },
      },
      this.#surroundings,
    )
    if (invite.metadata) await call.takeMetadata(invite.metadata)
    if (invite.offer === undefined)
      return opened(call, exchange, { body: media.offer(), hasOffer: true, terms: invite.terms })
    const answer = media.answer(invite.offer)
    if ('status' in answer) {
      reservation.release()
      return answer
    }
    await call.begin(answer.terms)
    return opened(call, exchange, { body: answer.body, terms: invite.terms })
  }

  #reportRefusal(exchange: Exchange, { trunk, project }: Admitted, reply: Reply): void {
    if (reply.status < 300) return
    const callId = headerOf(exchange.request, 'Call-ID') ?? ''
    const { telemetry, timers } = this.#surroundings
    telemetry.sipCallEnded({
      outcome: reply.status === 487 ? 'cancelled' : 'refused',
      status: reply.status,
      callId,
      legId: legIdOf(callId),
      trunkId: trunk.id,
      projectId: project.id,
      transport: exchange.flow.protocol,
      setUpMs: timers.nowMs() - exchange.startedAtMs,
      durationMs: 0,
      ...(reply.error !== undefined && { error: reply.error }),
    })
  }
}

/** The 200 that makes the call; when a CANCEL or the deadline was first, the call never was. */
const opened = (call: Call, exchange: Exchange, parts: Parameters<Call['accept']>[1]): Reply => {
  const accepted = call.accept(exchange, parts)
  return {
    ...accepted,
    onSent: (response) => {
      call.open()
      accepted.onSent?.(response)
    },
    onDropped: () => call.abandon(),
  }
}

const readInvite = ({ request, startedAtMs }: Exchange): Invite | Reply => {
  const target = contactOf(request)
  if (target === undefined) return { status: 400 }
  const session = negotiateSession(request)
  if ('minSeconds' in session) return { status: 422, headers: [['Min-SE', String(session.minSeconds)]] }
  const body = readBody(request)
  if (body.kind === 'refusal') return body.reply
  const isSession = isRecordingSession(siprecSignsOf(request, body.metadata))
  return {
    offer: body.sdp,
    metadata: body.metadata && { ...body.metadata, receivedAtMs: startedAtMs },
    session: isSession ? new RecordingSession(request) : undefined,
    target,
    terms: session.terms,
  }
}

/** How many pairs of ports an INVITE wants, or why it is refused. */
const countStreams = ({ offer, session }: Invite, policy: MediaPolicy): number | Reply => {
  if (offer === undefined) return session ? OFFERED_STREAMS : 1
  return MediaSession.countStreams(offer, policy, session !== undefined, session ? STREAMS_MAX : 1)
}

/** What is recorded: a caller, or the session that a recording client tells of. */
const describe = (
  { request, startedAtMs }: Exchange,
  { trunk, project }: Admitted,
  session: RecordingSession | undefined,
  nowMs: number,
): CallDescription => {
  const callId = headerOf(request, 'Call-ID') ?? ''
  return {
    project,
    trunkId: trunk.id,
    leg: { type: trunk.legType, id: session ? session.legId : legIdOf(callId) },
    track: session ? 'both' : 'inbound',
    ...(session && { layout: trunk.layout }),
    callId,
    from: identityOf(headerOf(request, 'From') ?? ''),
    to: identityOf(headerOf(request, 'To') ?? ''),
    // A communication session begins when it is told of, which may be long after the recording session did.
    startedAtMs: session ? nowMs : startedAtMs,
    ...(trunk.callMaxSeconds !== undefined && { maxSeconds: trunk.callMaxSeconds }),
  }
}

/** What the peer sends media to: the recorder's address, unless that means all of this machine's or is hidden behind NAT. */
const mediaHost = ({ ports }: Reservation, local: LocalEnd): string => {
  const address = ports[0]?.address ?? local.address
  return isWildcard(address) || local.host !== local.address ? local.host : address
}

const PORT_DIGITS = 5

/** Digits that no other call of this server has: ports are unique at a time, times grow. */
const sessionIdOf = ({ startedAtMs }: Exchange, { ports }: Reservation): string =>
  `${startedAtMs}${String(ports[0]?.rtpPort ?? 0).padStart(PORT_DIGITS, '0')}`

/** From and To as they came, without the header field's own parameters. */
const identityOf = (value: string): string => {
  const end = value.lastIndexOf('>')
  const bare = end < 0 ? value.split(';', 1)[0] : value.slice(0, end + 1)
  return (bare ?? '').trim().slice(0, IDENTITY_MAX)
}

/** Our Contact. A call to a sips URI is answered with one (RFC 3261 §12.1.1). */
const formatContact = (flow: SipFlow, local: LocalEnd, requestUri: string): string => {
  const ours = formatHostPort({ address: local.host, port: local.port })
  if (parseSipUri(requestUri)?.scheme === 'sips') return `<sips:poulsen@${ours}>`
  const transport = flow.protocol === 'UDP' ? '' : `;transport=${flow.protocol.toLowerCase()}`
  return `<sip:poulsen@${ours}${transport}>`
}
