import type { CallRequest, RecordedCall, Reservation, StreamPlan } from '../../capture/call-recorder.ts'
import type { EndReason } from '../../domain/call-details.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { SipHeaders, SipRequest } from '../../protocol/sip/message.ts'
import { AcceptedAnswer } from './accepted-answer.ts'
import type { CallSurroundings } from './call-surroundings.ts'
import { type Dialog, sequenceOf } from './dialog.ts'
import type { Exchange } from './exchange.ts'
import type { SipFlow } from './flow.ts'
import type { MediaSession } from './media-session.ts'
import { ALLOW, type Reply, SDP_TYPE } from './reply.ts'
import { readBody } from './session-body.ts'
import { type SessionTerms, sessionHeaders } from './session-timer.ts'
import { SessionWatch } from './session-watch.ts'

/** Answers of one call that may wait for their ACK at once. */
const ANSWERS_MAX = 4

/** What a call begins with. */
export interface CallParts {
  readonly dialog: Dialog
  readonly flow: SipFlow
  readonly media: MediaSession
  readonly reservation: Reservation
  /** All of the recording's request but its streams. */
  readonly request: Omit<CallRequest, 'streams' | 'trunkId'> & { readonly trunkId: Uuid }
  /** Our Contact, with angle brackets. */
  readonly contact: string
}

/** How a call ends for its peer: `bye`: we hang up; `gone`: the peer has, or was never there. */
type Farewell = 'bye' | 'gone'

/** How the recording came out. */
interface Settlement {
  readonly recorded?: RecordedCall
  readonly reason: EndReason
  readonly error?: unknown
}

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
  /** Resolves when the recording has ended and is final. Never rejects. */
  readonly settled: Promise<void>
  /** Resolves when the peer knows as well, or will never. Never rejects. */
  readonly over: Promise<void>
  readonly #surroundings: CallSurroundings
  readonly #reservation: Reservation
  readonly #request: CallParts['request']
  readonly #contact: string
  readonly #waiting = new Map<number, Waiting>()
  readonly #acknowledged = Promise.withResolvers<void>()
  readonly #settled = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  readonly #watch: SessionWatch
  #release: () => void = () => {}
  #recorded: Promise<RecordedCall> | undefined
  #answeredAtMs = 0
  #farewell: Farewell = 'bye'
  #isEnding = false

  constructor(parts: CallParts, surroundings: CallSurroundings) {
    this.dialog = parts.dialog
    this.flow = parts.flow
    this.media = parts.media
    this.settled = this.#settled.promise
    this.over = this.#over.promise
    this.#surroundings = surroundings
    this.#reservation = parts.reservation
    this.#request = parts.request
    this.#contact = parts.contact
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

  /** Begins recording; resolves when the row is committed. Rejects with what the recorder says; the ports are released then. */
  async begin(streams: readonly StreamPlan[]): Promise<void> {
    this.#recorded = this.#reservation.begin({ ...this.#request, streams })
    const recorded = await this.#recorded
    void recorded.ended.then((reason) => this.end(reason))
  }

  /** The call is there: its dialog can be found and its connection stays. */
  open(): void {
    this.#surroundings.calls.add(this)
    this.#release = this.flow.retain()
  }

  /** New terms of the media. */
  update(streams: readonly StreamPlan[]): void {
    void this.#recorded?.then(
      (recorded) => recorded.update(streams),
      // Who waits for the begin hears of its failure.
      () => {},
    )
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
        ['Supported', 'timer'],
        ...sessionHeaders(terms),
        ...type,
      ],
      ...(body && { body }),
      onSent: (response) => {
        this.#answeredAtMs ||= this.#surroundings.timers.nowMs()
        this.#watch.restart(terms)
        if (exchange.request.method === 'INVITE')
          this.#await(sequenceOf(exchange.request), () => exchange.resend(response), hasOffer)
      },
    }
  }

  /** The call never was: its 200 was not sent. What has been recorded of it ends as if hung up. */
  abandon(): void {
    this.#isEnding = true
    this.#watch.stop()
    void this.#settle('hangup')
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
    const streams = body.kind === 'sdp' ? this.media.takeAnswer(body.text) : undefined
    if (this.#recorded) {
      if (streams) this.update(streams)
    } else if (streams) this.begin(streams).catch(() => this.end('internal'))
    else this.end('signalling_lost')
  }

  async #finish(reason: EndReason): Promise<void> {
    const settled = this.#settle(reason).then((settlement) => {
      this.#report(settlement)
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

  /** Ends the recording, or gives back its ports when it has not begun. */
  async #settle(reason: EndReason): Promise<Settlement> {
    if (!this.#recorded) {
      this.#reservation.release()
      return { reason }
    }
    let recorded: RecordedCall | undefined
    try {
      recorded = await this.#recorded
      await recorded.end(reason)
      return { recorded, reason: await recorded.ended }
    } catch (error) {
      return { ...(recorded && { recorded }), reason, error }
    }
  }

  #report({ recorded, reason, error }: Settlement): void {
    const { timers, telemetry } = this.#surroundings
    const { callId, leg, trunkId, project, startedAtMs } = this.#request
    telemetry.sipCallEnded({
      outcome: 'recorded',
      status: 200,
      callId,
      legId: leg.id,
      trunkId,
      projectId: project.id,
      transport: this.flow.protocol,
      endReason: reason,
      ...(recorded && { recordingId: recorded.recordingId }),
      setUpMs: this.#answeredAtMs - startedAtMs,
      durationMs: timers.nowMs() - this.#answeredAtMs,
      ...(error !== undefined && { error }),
    })
  }
}
