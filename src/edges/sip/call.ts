import type { Reservation, StreamTerms } from '../../capture/call-recorder.ts'
import type { EndReason } from '../../domain/call-details.ts'
import { PoulsenError } from '../../domain/errors.ts'
import type { MetadataVersion } from '../../domain/session-metadata.ts'
import type { SipHeaders, SipRequest } from '../../protocol/sip/message.ts'
import { AcceptedAnswer } from './accepted-answer.ts'
import { type CallDescription, CallRecording, type RecordingOutcome } from './call-recording.ts'
import type { CallSurroundings } from './call-surroundings.ts'
import { type Dialog, sequenceOf } from './dialog.ts'
import type { Exchange } from './exchange.ts'
import type { SipFlow } from './flow.ts'
import type { MediaSession } from './media-session.ts'
import type { RecordingSession } from './recording-session.ts'
import { ALLOW, type Reply, SDP_TYPE, SUPPORTED_TAGS } from './reply.ts'
import { readBody } from './session-body.ts'
import { SessionChanges } from './session-changes.ts'
import { type SessionTerms, sessionHeaders } from './session-timer.ts'
import { SessionWatch } from './session-watch.ts'
import { SnapshotRequests } from './snapshot-requests.ts'

/** Answers of one call that may wait for their ACK at once. */
const ANSWERS_MAX = 4

/** What a call begins with. */
export interface CallParts {
  readonly dialog: Dialog
  readonly flow: SipFlow
  readonly media: MediaSession
  readonly reservation: Reservation
  /** When its INVITE came. */
  readonly startedAtMs: number
  /** All of the recording's request but its streams; asked when it begins, and for the report. */
  readonly describe: () => CallDescription
  /** Our Contact, with angle brackets. */
  readonly contact: string
  /** Present when the call is a recording session (RFC 7866), with whether its metadata is kept. */
  readonly session?: { readonly state: RecordingSession; readonly isKept: boolean } | undefined
}

/** How a call ends for its peer: `bye`: we hang up; `gone`: the peer has, or was never there. */
type Farewell = 'bye' | 'gone'

interface Waiting {
  readonly answer: AcceptedAnswer
  /** The answer holds an offer of ours, so the ACK must bring the answer to it. */
  readonly hasOffer: boolean
}

/**
 * One call: its dialog, its recording, and what ends them. The first reason to end counts; the recording is ended at once, and we hang up when
 * the peer has acknowledged our answer (RFC 3261 §15), or would have had to.
 */
export class Call {
  readonly dialog: Dialog
  readonly flow: SipFlow
  readonly media: MediaSession
  readonly changes = new SessionChanges()
  /** Resolves when the recording has ended and is final. Never rejects. */
  readonly settled: Promise<void>
  /** Resolves when the peer knows as well, or will never. Never rejects. */
  readonly over: Promise<void>
  readonly #surroundings: CallSurroundings
  readonly #recording: CallRecording
  readonly #startedAtMs: number
  readonly #contact: string
  readonly #session: CallParts['session']
  readonly #snapshots: SnapshotRequests
  readonly #waiting = new Map<number, Waiting>()
  readonly #acknowledged = Promise.withResolvers<void>()
  readonly #settled = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  readonly #watch: SessionWatch
  #release: () => void = () => {}
  #answeredAtMs = 0
  #terms: StreamTerms = { streams: [] }
  /** The communication session that is being recorded, as far as metadata has named one. */
  #recordedSession: string | undefined
  #farewell: Farewell = 'bye'
  #isEnding = false

  constructor(parts: CallParts, surroundings: CallSurroundings) {
    this.dialog = parts.dialog
    this.flow = parts.flow
    this.media = parts.media
    this.settled = this.#settled.promise
    this.over = this.#over.promise
    this.#surroundings = surroundings
    this.#recording = new CallRecording({ ...parts, onEnded: (reason) => this.end(reason) })
    this.#startedAtMs = parts.startedAtMs
    this.#contact = parts.contact
    this.#session = parts.session
    const mediaType = parts.session?.state.snapshotRequestType ?? ''
    this.#snapshots = new SnapshotRequests({ ...parts, ...surroundings, mediaType })
    this.#watch = new SessionWatch({
      timers: surroundings.timers,
      refresh: (headers) =>
        surroundings.requests.send(parts.dialog, parts.flow, 'UPDATE', [['Contact', parts.contact], ...headers]),
      onLost: () => this.end('signalling_lost'),
    })
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  /** True while an offer of ours waits for its answer: the peer may not make one (RFC 3264 §4, RFC 3311 §5.2). */
  get hasOpenOffer(): boolean {
    return [...this.#waiting.values()].some(({ hasOffer }) => hasOffer)
  }

  get canAnswer(): boolean {
    return this.#waiting.size < ANSWERS_MAX
  }

  /**
   * Begins recording when there is somebody to be heard; resolves when the row is committed. Rejects with what the recorder says; the ports are released then.
   */
  async begin(terms: StreamTerms): Promise<void> {
    this.#terms = terms
    const isWaiting = this.#isQuiet && this.#session !== undefined && !this.#session.state.hasSession
    if (this.#isEnding || terms.streams.length === 0 || isWaiting) return
    this.#recordedSession = this.#session?.state.sessionId
    await this.#recording.begin(terms)
  }

  /** The call is there: its dialog can be found and its connection stays. */
  open(): void {
    this.#surroundings.calls.add(this)
    this.#release = this.flow.retain()
  }

  /** New terms of the media: the recording goes on with them, or begins. Rejects as {@link Call.begin} does. */
  async update(terms: StreamTerms): Promise<void> {
    this.#terms = terms
    if (this.#recording.hasBegun) this.#recording.update(terms)
    else await this.#beginLate()
    await this.#followSession()
  }

  /** Opens ports for the streams that an offer adds; those that capture has no room for are refused in the answer. */
  async makeRoom(offer: string): Promise<void> {
    try {
      for (let wanted = this.media.portsWanted(offer); wanted > 0; wanted -= 1) {
        this.media.addPorts(await this.#recording.addStream())
      }
    } catch (error) {
      // Too many calls, no port free: the streams that there are go on.
      if (!(error instanceof PoulsenError) || error.kind !== 'unavailable') throw error
    }
  }

  /** Takes a metadata document of a recording session; resolves when it is durable. Rejects with CATALOGUE_… codes. */
  async takeMetadata(version: MetadataVersion): Promise<void> {
    if (!this.#session) return
    this.#session.state.take(version)
    if (this.#session.isKept) await this.#recording.keep(version)
    await this.#followSession(version)
  }

  /** Takes the metadata document that came with the end of the call; resolves when it is durable, or cannot be, which the report tells. Never rejects. */
  async keepLast(version: MetadataVersion): Promise<void> {
    if (this.#session?.isKept) await this.#recording.keepLast(version)
  }

  /** The 200 to an INVITE or UPDATE: with a body when there is something to answer or to offer, repeated until its ACK when it is an INVITE's. */
  accept(
    exchange: Exchange,
    parts: { readonly body?: Uint8Array; readonly hasOffer?: boolean; readonly terms: SessionTerms | undefined },
  ): Reply {
    const { body, hasOffer = false, terms } = parts
    const type: SipHeaders = body ? [['Content-Type', SDP_TYPE]] : []
    return {
      status: 200,
      headers: [
        ['Contact', this.#contact],
        ['Allow', ALLOW],
        ['Supported', SUPPORTED_TAGS],
        ...sessionHeaders(terms),
        ...type,
      ],
      ...(body && { body }),
      onSent: (response) => {
        this.#answeredAtMs ||= this.#surroundings.timers.nowMs()
        this.#watch.restart(terms)
        if (exchange.request.method === 'INVITE')
          this.#await(sequenceOf(exchange.request), () => exchange.resend(response), hasOffer)
        if (this.#session?.state.needsSnapshot) this.#snapshots.ask()
      },
    }
  }

  /** The call never was: its 200 was not sent. What has been recorded of it ends as if hung up. */
  abandon(): void {
    this.#isEnding = true
    this.#watch.stop()
    void this.#recording.end('hangup')
  }

  /** The ACK of a 2xx of ours. */
  acknowledge(ack: SipRequest): void {
    const sequence = sequenceOf(ack)
    const waiting = this.#waiting.get(sequence)
    if (!waiting) return
    this.#waiting.delete(sequence)
    waiting.answer.acknowledge()
    this.#acknowledged.resolve()
    if (waiting.hasOffer && !this.#isEnding) this.#takeAnswer(ack)
  }

  /** Ends the call. Never rejects; {@link Call.over} tells when all is done. */
  end(reason: EndReason, farewell: Farewell = 'bye'): void {
    if (farewell === 'gone') this.#peerIsGone()
    if (this.#isEnding) return
    this.#isEnding = true
    this.#watch.stop()
    void this.#finish(reason)
  }

  /** Hangs up without waiting for an ACK: the server stops. */
  hurry(): void {
    this.#acknowledged.resolve()
  }

  /** Nobody is heard now. */
  get #isQuiet(): boolean {
    return this.#terms.streams.every(({ isHeld }) => isHeld)
  }

  /** Begins in the middle of the call, which is over when that cannot be. */
  async #beginLate(): Promise<void> {
    try {
      await this.begin(this.#terms)
    } catch (error) {
      this.end('internal')
      throw error
    }
  }

  /**
   * One recording a communication session: when another has taken its place, or it is over and nobody is heard, the recording ends, and the next begins when
   * there is somebody. A session that metadata merely forgets ends nothing while it is heard.
   */
  async #followSession(news?: MetadataVersion): Promise<void> {
    const state = this.#session?.state
    if (!state || !this.#recording.hasBegun) return
    const now = state.sessionId
    // What is recorded may get its name after it has begun.
    this.#recordedSession ??= now
    const isOver = this.#recordedSession !== undefined && !state.isActive(this.#recordedSession)
    if (!isOver || (now === undefined && !this.#isQuiet)) return
    this.#recordedSession = undefined
    await this.#recording.next()
    // The document that began a session is that one's, too; what it only hints at is asked for.
    if (news && now !== undefined && this.#session?.isKept) await this.#recording.keep(news)
    if (news && this.#session?.state.wasPartial) this.#snapshots.ask()
    if (!this.#isQuiet) await this.#beginLate()
  }

  #peerIsGone(): void {
    this.#farewell = 'gone'
    for (const { answer } of this.#waiting.values()) answer.acknowledge()
    this.#waiting.clear()
    this.#acknowledged.resolve()
  }

  #await(sequence: number, send: () => void, hasOffer: boolean): void {
    if (this.#isEnding && this.#farewell === 'gone') return
    const onLost = () => {
      this.#waiting.delete(sequence)
      this.#acknowledged.resolve()
      this.end('signalling_lost')
    }
    this.#waiting.set(sequence, {
      answer: new AcceptedAnswer({ timers: this.#surroundings.timers, send, onLost }),
      hasOffer,
    })
  }

  /** The answer to our offer, in the ACK. Without one there is nothing to record; later on, everything stays as it was. */
  #takeAnswer(ack: SipRequest): void {
    const body = readBody(ack)
    const terms = body.kind === 'parts' && body.sdp !== undefined ? this.media.takeAnswer(body.sdp) : undefined
    if (terms) this.changes.queue(() => this.update(terms)).catch(() => {})
    else if (!this.#recording.hasBegun) this.end('signalling_lost')
  }

  async #finish(reason: EndReason): Promise<void> {
    const settled = this.#recording.end(reason).then((outcome) => {
      this.#report(outcome)
      this.#settled.resolve()
    })
    await this.#acknowledged.promise
    for (const { answer } of this.#waiting.values()) answer.acknowledge()
    const { requests, calls } = this.#surroundings
    const farewell = this.#farewell === 'bye' ? requests.send(this.dialog, this.flow, 'BYE') : undefined
    calls.remove(this)
    await Promise.all([settled, farewell])
    this.#release()
    this.#over.resolve()
  }

  #report({ recordingId, reason, error }: RecordingOutcome): void {
    const { timers, telemetry } = this.#surroundings
    const { callId, leg, trunkId, project } = this.#recording.description
    telemetry.sipCallEnded({
      outcome: 'recorded',
      status: 200,
      callId,
      legId: leg.id,
      trunkId,
      projectId: project.id,
      transport: this.flow.protocol,
      endReason: reason,
      ...(recordingId !== undefined && { recordingId }),
      setUpMs: this.#answeredAtMs - this.#startedAtMs,
      durationMs: timers.nowMs() - this.#answeredAtMs,
      ...(error !== undefined && { error }),
    })
  }
}
