import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { SRTP_SUITES, type SrtpSuite } from '../../src/audio/srtp/srtp-key.ts'
import type { SessionEvent } from '../../src/caller/siprec-events.ts'
import type { SessionOptions } from '../../src/caller/siprec-options.ts'
import type { RunningSession } from '../../src/caller/siprec-outcome.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import { LiveServer, type WireRecording } from './support/live-server.ts'
import { complaintsOfCutSession, mustHaveMs } from './support/session-cut.ts'
import { latenessOf } from './support/session-judge.ts'
import { completed, legIdOf, SessionStage } from './support/session-stage.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3)
const SEED = Number(process.env.SEED ?? Date.now() % 100_000)
const SESSIONS = 30
/** Received longer before the kill than this is never lost: the promise. */
const LOSS_MAX_MS = 250
const PACKET_MS = 20
/** Sessions go on for longer than any round. */
const SESSION_MS = 60_000
const T1_MS = 20
const SUITES = Object.keys(SRTP_SUITES) as SrtpSuite[]
const CODECS = [
  ['PCMU', 'PCMU'],
  ['PCMA', 'PCMA'],
  ['G722', 'PCMU'],
  ['opus', 'PCMA'],
  ['L16', 'L16'],
] as const
const NAME = 'Ada, as she was called before the crash'

const live = new LiveServer()
const stage = new SessionStage(live, T1_MS)
afterAll(async () => {
  await stage.close()
  await live.dispose()
})

interface Placed {
  readonly session: RunningSession
  readonly isTransferred: boolean
}

/** Two legs in one of the codecs, every other session secured; some begin later, tell of a new name, or are transferred to a new line. */
const optionsOf = (index: number, random: () => number): SessionOptions => {
  const [left, right] = CODECS[index % CODECS.length] ?? CODECS[0]
  const rename = { atMs: 100 + random() * 500, kind: 'metadata', renames: { participant: 0, name: NAME } } as const
  const joins = { aor: 'sip:c@example.com' }
  const transfer = {
    atMs: 300 + random() * 800,
    kind: 'transfer',
    leaves: 1,
    joins,
    newStream: { codecs: [right] },
  } as const
  const events: readonly SessionEvent[] = [rename, ...(index % 5 === 3 ? [transfer] : [])]
  return {
    durationMs: SESSION_MS,
    streams: [{ codecs: [left] }, { codecs: [right], startsAtMs: index % 3 === 2 ? 400 : 0 }],
    events,
    ...(index % 2 === 1 && { srtp: SUITES[(index >> 1) % SUITES.length] as SrtpSuite }),
  }
}

/** Thirty sessions over half a second, then a kill at a random moment. */
const runRound = async (
  round: number,
): Promise<{ readonly placed: readonly Placed[]; readonly killedAtMs: number }> => {
  const random = seeded(SEED + round)
  const placed: Placed[] = []
  const place = async (index: number) => {
    const options = optionsOf(index, random)
    await delay(random() * 500)
    const session = await stage.begin({ ...options, seed: SEED + 10 * (round * SESSIONS + index) })
    placed.push({ session, isTransferred: (options.events?.length ?? 0) > 1 })
  }
  // A session that is being set up when the server dies is nobody's: it has no recording, or one of its own without an end.
  const placing = Promise.allSettled(Array.from({ length: SESSIONS }, (_, index) => place(index)))
  await delay(500 + random() * 2_500)
  // Some hang up right before, so that the kill meets recordings at every stage of their end.
  for (const { session } of placed.slice(0, Math.floor(random() * 6))) session.hangUp()
  await delay(random() * 30)
  const killedAtMs = Date.now()
  await live.server.kill()
  await placing
  for (const { session } of placed) session.hangUp()
  await Promise.allSettled(placed.map(({ session }) => session.outcome))
  await stage.close()
  return { placed, killedAtMs }
}

/** What is wrong with one session's recording; nothing, if the promise was kept. */
const judge = async (
  { session, isTransferred }: Placed,
  recording: WireRecording | undefined,
  killedAtMs: number,
): Promise<readonly string[]> => {
  const { streams, exchanges } = await completed(session)
  const untilMs = killedAtMs - LOSS_MAX_MS
  const mustMs = Math.max(...mustHaveMs(streams, untilMs))
  if (!recording) return mustMs > PACKET_MS ? [`lost: ${mustMs} ms had been received`] : []
  if (recording.status === 'no_input') return mustMs > PACKET_MS ? [`no_input, ${mustMs} ms had been received`] : []
  if (recording.status !== 'completed') return [`it is ${recording.status}`]
  const { duration_ms, call } = await live.details(recording.id)
  const problems: string[] = []
  const firstMs = Math.min(...streams.map(({ beginsAtUnixMs }) => beginsAtUnixMs))
  const sentMs = Math.max(
    ...streams.map(({ beginsAtUnixMs, sent }) => beginsAtUnixMs - firstMs + sent.truth.durationMs),
  )
  if (duration_ms < mustMs - PACKET_MS)
    problems.push(`${duration_ms} ms of ${mustMs} that must be there, sent ${latenessOf(streams)} ms late at most`)
  if (duration_ms > sentMs + PACKET_MS + latenessOf(streams))
    problems.push(`${duration_ms} ms of ${sentMs} that were sent`)
  if (recording.error_code !== (call?.end_reason === 'hangup' ? undefined : 'recovered'))
    problems.push(`error_code ${recording.error_code}`)
  const { participants } = await stage.metadataOf(recording.id)
  const isRenamed = exchanges.some(({ kind, outcome }) => kind === 'metadata' && outcome.kind === 'agreed')
  if (participants.length < 2) problems.push('metadata is gone')
  if (isRenamed && !participants.some(({ names }) => names.some(({ name }) => name === NAME)))
    problems.push('metadata that was acknowledged is gone')
  const audio = await stage.channelsOf(recording)
  const [left] = audio.channels
  if (audio.channels.length !== 2) problems.push(`${audio.channels.length} channels`)
  if (Math.abs(((left?.length ?? 0) / audio.sampleRateHz) * 1000 - duration_ms) > 1)
    problems.push('the file has another length than the row')
  const order = isTransferred ? [[0], [1, 2]] : [[0], [1]]
  return [...problems, ...complaintsOfCutSession(audio, streams, { order, untilMs })]
}

describe(`kill -9 under ${SESSIONS} sessions`, () => {
  it(`loses no recording, no metadata and at most ${LOSS_MAX_MS} ms of a channel, in ${ROUNDS} rounds`, {
    timeout: 60_000 + ROUNDS * 30_000,
  }, async () => {
    await live.start()
    for (let round = 0; round < ROUNDS; round += 1) {
      const { placed, killedAtMs } = await runRound(round)
      expect(placed.length, 'sessions were running').toBeGreaterThan(0)
      await live.start()
      const recordings = await waitFor(async () => {
        const all = await live.list()
        return all.every(({ status }) => !['recording', 'paused'].includes(status)) ? all : undefined
      }, 30_000)
      const byLeg = Map.groupBy(recordings, ({ relay_sip_leg_id }) => relay_sip_leg_id ?? '')
      const problems: string[] = []
      for (const each of placed) {
        const [recording, ...others] = byLeg.get(legIdOf(each.session)) ?? []
        const own = [...(await judge(each, recording, killedAtMs)), ...others.map(() => 'twice')]
        problems.push(...own.map((problem) => `${recording?.id}: ${problem}`))
      }
      expect(problems, `SEED=${SEED} round ${round}`).toEqual([])
      for (const { id } of recordings) await live.remove(id)
    }
    expect(await live.stop()).toBe(0)
  })
})
