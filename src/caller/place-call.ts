import { randomUUID } from 'node:crypto'
import { makeSrtpKey, type SrtpKey } from '../audio/srtp/srtp-key.ts'
import { CallCourse } from './call-course.ts'
import { type MediaReport, openCallMedia } from './call-media.ts'
import { type CallOptions, type CallTargetOptions, checkCallOptions } from './call-options.ts'
import { type CallerCodec, callerCodecs } from './caller-codecs.ts'
import type { Expectation } from './compare.ts'
import { sealOf } from './media-seal.ts'
import { type MediaSockets, openMediaSockets } from './media-sockets.ts'
import { Pacer } from './pacer.ts'
import type { RemoteLine } from './read-description.ts'
import { EVENT_TYPE } from './session-text.ts'
import { invalid, type SignalPlan } from './signal.ts'
import type { SipCall } from './sip-call.ts'
import { type InviteFailure, type InviteOutcome, SipCaller } from './sip-caller.ts'
import type { CallEnd } from './sip-dialog.ts'
import type { SessionOptions } from './siprec-options.ts'
import type { FailedSession, RunningSession, SessionOutcome } from './siprec-outcome.ts'
import { startSiprecSession } from './siprec-session.ts'
import { parseTarget } from './target.ts'

/** A call that was answered and ended. */
export interface CompletedCall {
  readonly kind: 'completed'
  readonly callId: string
  /** What was said, to be compared with the recording; see {@link analyse}. */
  readonly plan: SignalPlan
  readonly expectation: Expectation
  readonly codec: CallerCodec
  readonly sent: MediaReport
  readonly end: CallEnd
  readonly answeredAfterMs: number
  /** Unix times. */
  readonly answeredAtMs: number
  readonly endedAtMs: number
  /** How long the answer to our BYE took; absent when the call ended otherwise, or nobody answered. */
  readonly byeAnsweredAfterMs?: number
}

/** How a call went. */
export type CallOutcome =
  | CompletedCall
  | { readonly kind: 'failed'; readonly callId: string; readonly invite: InviteFailure }

/** A call that has been answered and whose media runs. */
export interface RunningCall {
  readonly kind: 'running'
  readonly callId: string
  readonly answeredAfterMs: number
  readonly codec: CallerCodec
  /** Its dialog: for requests of one's own. */
  readonly sip: SipCall
  /** Hangs up before its time. */
  hangUp(): void
  readonly outcome: Promise<CompletedCall>
}

const DEFAULT_TARGET = 'sip:127.0.0.1:5060'
const CALLS_MAX = 10_000
const CALLS_PER_SECOND_MAX = 1000

/** Places calls to one server, over one socket or connection, with one timer for all their media. */
export class CallGenerator {
  readonly #caller: SipCaller
  readonly #pacer = new Pacer()

  private constructor(caller: SipCaller) {
    this.#caller = caller
  }

  /** Rejects with CALL_INVALID for a target that is none, CALL_UNREACHABLE when nobody is there. */
  static async open(options: CallTargetOptions = {}): Promise<CallGenerator> {
    const target = parseTarget(options.target ?? DEFAULT_TARGET, options.transport)
    return new CallGenerator(await SipCaller.open({ ...options, target }))
  }

  /** The user agent client beneath: for OPTIONS, and for calls without media. */
  get sip(): SipCaller {
    return this.#caller
  }

  /** Places one call and starts its media. Rejects with CALL_INVALID, or CALL_SOCKETS; a call that is not answered is an outcome. */
  async start(options: CallOptions): Promise<RunningCall | Extract<CallOutcome, { kind: 'failed' }>> {
    checkCallOptions(options)
    const codecs = callerCodecs(options.codecs ?? ['PCMU'])
    const callId = options.callId ?? randomUUID()
    const isMultiplexed = options.isMultiplexed ?? true
    const sockets = await openMediaSockets(this.#caller.localAddress, isMultiplexed)
    try {
      const { address, rtpPort, rtcpPort } = sockets
      const { frameMs = 20, srtp } = options
      const srtpKey = srtp && makeSrtpKey(srtp)
      const media = { address, rtpPort, rtcpPort, isMultiplexed, codecs, frameMs, eventType: EVENT_TYPE }
      const invite = await this.#caller.invite({ ...options, callId, media: { ...media, ...(srtpKey && { srtpKey }) } })
      if (invite.kind !== 'answered') {
        sockets.close()
        return { kind: 'failed', callId, invite }
      }
      return await this.#run(options, invite, { sockets, srtpKey })
    } catch (error) {
      sockets.close()
      throw error
    }
  }

  /**
   * Begins one recording session (RFC 7866) and starts its media. Rejects with CALL_INVALID, or CALL_SOCKETS; a session that is not answered, or not as the
   * rules say, is an outcome.
   */
  startSession(options: SessionOptions): Promise<RunningSession | FailedSession> {
    return startSiprecSession({ caller: this.#caller, pacer: this.#pacer }, options)
  }

  /** Closes the socket or connection; calls that run are lost to this side. */
  close(): void {
    this.#caller.close()
  }

  async #run(
    options: CallOptions,
    invite: Extract<InviteOutcome, { kind: 'answered' }>,
    { sockets, srtpKey }: { readonly sockets: MediaSockets; readonly srtpKey: SrtpKey | undefined },
  ): Promise<RunningCall> {
    const { call, codec, remote } = invite
    const answeredAtMs = Date.now()
    const seal = sealOf(srtpKey, remote)
    const media = await openCallMedia(options, codec, {
      pacer: this.#pacer,
      sockets,
      remote: mediaOf(remote),
      ...(remote.payloadTypes.includes(EVENT_TYPE) && { eventType: EVENT_TYPE }),
      cname: `${call.callId}@${sockets.address}`,
      ...(seal && { seal }),
    }).catch(async (error: unknown) => {
      await call.bye()
      throw error
    })
    media.start()
    const course = new CallCourse(call, media, options)
    const finish = async (): Promise<CompletedCall> => {
      const byeAnsweredAfterMs = await course.run()
      sockets.close()
      media.free()
      const sent = media.report()
      return {
        kind: 'completed',
        callId: call.callId,
        plan: media.plan,
        expectation: { gaps: sent.truth.gaps, durationMs: sent.truth.durationMs },
        codec,
        sent,
        end: await call.ended,
        answeredAfterMs: invite.afterMs,
        answeredAtMs,
        endedAtMs: course.endedAtMs,
        ...(byeAnsweredAfterMs !== undefined && { byeAnsweredAfterMs }),
      }
    }
    return {
      kind: 'running',
      callId: call.callId,
      answeredAfterMs: invite.afterMs,
      codec,
      sip: call,
      hangUp: () => course.hangUp(),
      outcome: finish(),
    }
  }
}

const mediaOf = ({ address, rtpPort, rtcpPort }: RemoteLine) => ({ address, rtpPort, rtcpPort })

/** Places one call and waits for its end. Rejects as {@link CallGenerator} does; what becomes of the call is an outcome. */
export const placeCall = async (options: CallTargetOptions & CallOptions): Promise<CallOutcome> => {
  const generator = await CallGenerator.open(options)
  try {
    const started = await generator.start(options)
    return started.kind === 'running' ? await started.outcome : started
  } finally {
    generator.close()
  }
}

/** Runs one recording session to its end. Rejects as {@link CallGenerator.startSession} does; what becomes of the session is an outcome. */
export const placeSession = async (options: CallTargetOptions & SessionOptions): Promise<SessionOutcome> => {
  const generator = await CallGenerator.open(options)
  try {
    const started = await generator.startSession(options)
    return started.kind === 'running' ? await started.outcome : started
  } finally {
    generator.close()
  }
}

/** Many calls at once. */
export interface CallsOptions extends CallTargetOptions, CallOptions {
  /** 1 to 10 000. */
  readonly count: number
  /** How many are begun in a second; 50 unless said, at most 1000. */
  readonly callsPerSecond?: number
}

/** Places many calls over one socket or connection and waits for the end of all; every one has a seed, a leg and a Call-ID of its own. */
export const placeCalls = async (options: CallsOptions): Promise<readonly CallOutcome[]> => {
  const { count, callsPerSecond = 50, seed = 1, leg = 0 } = options
  if (!Number.isInteger(count) || count < 1 || count > CALLS_MAX)
    throw invalid(`Calls are 1 to ${CALLS_MAX}, not ${count}.`)
  if (!(callsPerSecond > 0 && callsPerSecond <= CALLS_PER_SECOND_MAX)) {
    throw invalid(`At most ${CALLS_PER_SECOND_MAX} calls are begun in a second.`)
  }
  const { callId: _same, ...rest } = options
  const generator = await CallGenerator.open(options)
  const place = async (index: number): Promise<CallOutcome> => {
    await new Promise((resolve) => setTimeout(resolve, (index * 1000) / callsPerSecond))
    const started = await generator.start({ ...rest, seed: seed + index, leg: (leg + index) % 4 })
    return started.kind === 'running' ? started.outcome : started
  }
  try {
    return await Promise.all(Array.from({ length: count }, (_, index) => place(index)))
  } finally {
    generator.close()
  }
}
