import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { Pacer } from '../../src/caller/pacer.ts'
import { planTones } from '../../src/caller/tones.ts'
import { type Publishing, publish } from '../../src/caller/whip-publisher.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import { decodeChannels } from './support/channels.ts'
import type { WireRecording } from './support/live-server.ts'
import { hearPart } from './support/tones-heard.ts'
import { WhipServer } from './support/whip-server.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3)
const SEED = Number(process.env.SEED ?? Date.now() % 100_000)
const SESSIONS = 10
/** Received longer before the kill than this is never lost: the promise. */
const LOSS_MAX_MS = 250
const PACKET_MS = 20
const SESSION_MS = 60_000
const ONSET_MAX_MS = 40

const live = new WhipServer({ POULSEN_WEBRTC_POSTS_PER_SECOND: '100' })
const pacer = new Pacer()
afterAll(() => live.dispose())

interface Placed {
  readonly legId: string
  readonly session: Publishing
  readonly tracks: readonly { readonly durationMs: number; readonly leg: number; readonly seed: number }[]
}

/** One or two tracks on a leg of its own. */
const place = async (index: number, random: () => number): Promise<Placed> => {
  const legId = `5f0c2e2e-6a37-4c0e-9b43-${String(index).padStart(12, '0')}`
  const tracks = Array.from({ length: 1 + (index % 2) }, (_, leg) => ({
    durationMs: SESSION_MS,
    leg,
    seed: 1 + Math.floor(random() * 10_000),
  }))
  const { token, url } = await live.publishToken({ endpoint: 'crash', leg_id: legId })
  const session = await publish({ url, token, tracks }, pacer)
  if ('status' in session) throw new Error(`${session.status} ${session.body}`)
  return { legId, session, tracks }
}

/** What had left the sender long enough before the kill, of a recording that begins with the first packet. */
const mustHaveMs = ({ session }: Placed, killedAtMs: number): number => {
  const first = Math.min(...session.reports().map(({ firstSentAtMs = Number.POSITIVE_INFINITY }) => firstSentAtMs))
  const late = Math.max(...session.reports().map(({ lateMaxMs }) => lateMaxMs))
  return Math.max(0, killedAtMs - LOSS_MAX_MS - first - late)
}

const judge = async (placed: Placed, recording: WireRecording | undefined, killedAtMs: number) => {
  const mustMs = mustHaveMs(placed, killedAtMs)
  if (!recording) return mustMs > PACKET_MS ? [`lost: ${mustMs} ms had been received`] : []
  if (recording.status === 'no_input') return mustMs > PACKET_MS ? [`no_input, ${mustMs} ms had been received`] : []
  if (recording.status !== 'completed') return [`it is ${recording.status}`]
  const { duration_ms } = await live.details(recording.id)
  const bytes = await live.bytes(recording.url)
  const { channels, sampleRateHz } = await decodeChannels(bytes)
  const problems = [
    ...(recording.error_code === 'recovered' ? [] : [`error_code ${recording.error_code}`]),
    ...(duration_ms < mustMs - PACKET_MS ? [`${duration_ms} ms of ${mustMs} that must be there`] : []),
    ...(bytes.length === recording.byte_size ? [] : [`${bytes.length} bytes of ${recording.byte_size}`]),
  ]
  for (const [index, track] of placed.tracks.entries()) {
    const heard = hearPart(planTones(track), channels[index] ?? new Float32Array(0), sampleRateHz)
    // Of the shortest there are too few sounds to tell.
    if (mustMs < 1_500) continue
    if (!heard) problems.push(`track ${index} is not what was published`)
    else if (heard.comparison.worstOnsetErrorMs > ONSET_MAX_MS)
      problems.push(`track ${index}: an onset is ${heard.comparison.worstOnsetErrorMs} ms off`)
  }
  return problems
}

describe(`kill -9 under ${SESSIONS} WebRTC sessions`, () => {
  it(`loses no recording and at most ${LOSS_MAX_MS} ms of one, in ${ROUNDS} rounds`, {
    timeout: 60_000 + ROUNDS * 30_000,
  }, async () => {
    await live.start()
    for (let round = 0; round < ROUNDS; round += 1) {
      const random = seeded(SEED + round)
      const placed = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => place(index, random)))
      await delay(500 + random() * 2_500)
      const killedAtMs = Date.now()
      await live.server.kill()
      for (const { session } of placed) session.close()
      await live.start()
      const recordings = await waitFor(async () => {
        const all = await live.list()
        return all.every(({ status }) => status !== 'recording') ? all : undefined
      }, 30_000)
      expect(recordings.length, `SEED=${SEED} round ${round}`).toBe(SESSIONS)
      const problems: string[] = []
      for (const each of placed) {
        const recording = recordings.find(({ relay_webrtc_leg_id }) => relay_webrtc_leg_id === each.legId)
        problems.push(...(await judge(each, recording, killedAtMs)))
      }
      expect(problems, `SEED=${SEED} round ${round}`).toEqual([])
      await live.clear()
    }
    expect(await live.stop()).toBe(0)
  })
})
