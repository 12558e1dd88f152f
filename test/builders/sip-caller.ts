import { callerCodecs } from '../../src/caller/caller-codecs.ts'
import type { InviteOptions } from '../../src/caller/invitation.ts'
import { formatSession, type LocalMedia } from '../../src/caller/session-text.ts'
import { type CallerOptions, type InviteOutcome, SipCaller } from '../../src/caller/sip-caller.ts'
import { parseTarget } from '../../src/caller/target.ts'
import { type Script, ScriptedUas } from '../fakes/scripted-uas.ts'

/** A round trip of which every time-out is short: nothing here waits for seconds. */
export const T1_MS = 20

/** Our side of a call. */
export const media = (codecs: readonly string[] = ['PCMU', 'opus']): LocalMedia => ({
  address: '127.0.0.1',
  rtpPort: 40_000,
  rtcpPort: 40_000,
  isMultiplexed: true,
  codecs: callerCodecs(codecs),
  eventType: 101,
  frameMs: 20,
})

/** What a server that takes the first codec would answer. */
export const answerSdp = (codec = 'PCMU', parts: Partial<LocalMedia> = {}): string =>
  formatSession(
    { ...media([codec]), rtpPort: 50_000, rtcpPort: 50_000, ...parts },
    { sessionId: '7', version: 1, direction: 'recvonly' },
  )

/** Takes every call, and everything in it. */
export const willing: Script = (request, uas) => {
  if (request.method === 'INVITE')
    return [uas.respond(request, 100), uas.accept(request, answerSdp(), [['Allow', 'INVITE, UPDATE']])]
  return request.method === 'ACK' ? [] : [uas.respond(request, 200)]
}

const opened: { close(): void }[] = []
/** Closes what {@link open} has opened; for `afterEach`. */
export const closeOpened = (): void => {
  for (const each of opened.splice(0)) each.close()
}

/** A scripted server and a caller that calls it. */
export const open = async (script: Script, parts: Partial<CallerOptions> = {}, transport: 'udp' | 'tcp' = 'udp') => {
  const uas = await ScriptedUas.open(script, transport)
  const caller = await SipCaller.open({ target: parseTarget(uas.target), t1Ms: T1_MS, ...parts })
  opened.push(caller, uas)
  return { uas, caller }
}

/** An INVITE with our media. */
export const invite = (caller: SipCaller, parts: Partial<InviteOptions> = {}) =>
  caller.invite({ media: media(), ...parts })

/** The call of an INVITE that must have been answered. */
export const answered = (outcome: InviteOutcome): Extract<InviteOutcome, { kind: 'answered' }> => {
  if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome))
  return outcome
}

/** Waits until it is so; rejects when it is not in time. */
export const until = async (isSo: () => boolean): Promise<void> => {
  for (const deadlineMs = performance.now() + 5000; !isSo(); ) {
    if (performance.now() > deadlineMs) throw new Error('It never came to be.')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
