import { randomUUID } from 'node:crypto'
import type { Pacer } from './pacer.ts'
import type { Answered, SipCaller } from './sip-caller.ts'
import { SipDialog } from './sip-dialog.ts'
import type { SessionParts } from './siprec-changes.ts'
import { SessionCourse } from './siprec-course.ts'
import { checkSessionOptions, type SessionOptions } from './siprec-options.ts'
import type { FailedSession, RemoteLines, RunningSession, SessionOutcome } from './siprec-outcome.ts'
import { RecordingSide } from './siprec-side.ts'
import { initialState, nextState } from './siprec-state.ts'
import { SessionStream } from './siprec-stream.ts'

/** What a session needs of the generator that begins it. */
export interface SessionGround {
  readonly caller: SipCaller
  readonly pacer: Pacer
}

/**
 * Begins one recording session as its client (RFC 7866): one INVITE with all streams and the metadata, then their media. Rejects with CALL_INVALID, or
 * CALL_SOCKETS; whatever the server does is an outcome.
 */
export const startSiprecSession = async (
  { caller, pacer }: SessionGround,
  options: SessionOptions,
): Promise<RunningSession | FailedSession> => {
  checkSessionOptions(options)
  const state = initialState(options, new Date().toISOString())
  checkScript(options)
  const { srtp, quirks = {} } = options
  const surroundings = {
    address: caller.localAddress,
    isNameless: quirks.withoutLabels ?? false,
    ...(srtp && { srtp }),
  }
  const streams: SessionStream[] = []
  const closeAll = () => {
    for (const stream of streams) stream.close()
  }
  try {
    for (const each of state.streams) streams.push(await SessionStream.open(each.options, surroundings))
    const side = new RecordingSide(
      options,
      state,
      streams.map(({ local }) => local),
    )
    const callId = options.callId ?? randomUUID()
    const invite = await caller.dial(
      { ...options, callId },
      side,
      (link, parts) => new SipDialog<RemoteLines>(link, parts, side),
    )
    if (invite.kind === 'answered')
      return await run({ call: invite.call, side, streams, surroundings, options, pacer }, invite, closeAll)
    closeAll()
    return { kind: 'failed', callId, invite }
  } catch (error) {
    closeAll()
    throw error
  }
}

/** Plays through what is to happen: throws CALL_INVALID for a stream or a participant that is none at its time. */
const checkScript = (options: SessionOptions): void => {
  const at = new Date().toISOString()
  let state = initialState(options, at)
  for (const event of (options.events ?? []).toSorted((a, b) => a.atMs - b.atMs))
    state = nextState(state, event, { options, at })
}

const run = async (parts: SessionParts, invite: Answered<unknown>, close: () => void): Promise<RunningSession> => {
  const { call, side } = parts
  const answeredAtMs = Date.now()
  const course = new SessionCourse(parts)
  const { changes } = course
  await course.begin().catch(async (error: unknown) => {
    await call.bye()
    throw error
  })
  const { remote: lines } = side
  const finish = async (): Promise<SessionOutcome> => {
    const byeAnsweredAfterMs = await course.run().finally(close)
    if (course.violation !== undefined)
      return { kind: 'failed', callId: call.callId, invite: { kind: 'wrong-answer', reason: course.violation } }
    return {
      kind: 'completed',
      callId: call.callId,
      communications: changes.communications,
      streams: changes.outcomes(),
      exchanges: changes.exchanges,
      requests: course.requests,
      end: await call.ended,
      refreshCount: call.refreshCount,
      answeredAfterMs: invite.afterMs,
      answeredAtMs,
      endedAtMs: course.endedAtMs,
      ...(byeAnsweredAfterMs !== undefined && { byeAnsweredAfterMs }),
    }
  }
  return {
    kind: 'running',
    callId: call.callId,
    communications: changes.communications,
    answeredAfterMs: invite.afterMs,
    lines,
    sip: call,
    act: (action) => course.act(action),
    requests: course.requests,
    hangUp: () => course.hangUp(),
    outcome: finish(),
  }
}
