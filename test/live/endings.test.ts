import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallOptions } from '../../src/caller/call-options.ts'
import { callerCodecs } from '../../src/caller/caller-codecs.ts'
import { CallGenerator, type RunningCall } from '../../src/caller/place-call.ts'
import { waitFor } from '../support/wait-for.ts'
import { complaintsOfCall, complaintsOfCut } from './support/judge.ts'
import { LiveServer } from './support/live-server.ts'

const MEBIBYTE = 1024 ** 2
const PACKET_MS = 20

const openOn = (live: LiveServer): Promise<CallGenerator> =>
  CallGenerator.open({ target: `sip:127.0.0.1:${live.sipPort()}` })

const startOn = async (generator: CallGenerator, options: CallOptions): Promise<RunningCall> => {
  const started = await generator.start(options)
  if (started.kind === 'failed') throw new Error(JSON.stringify(started.invite))
  return started
}

/** A call in which nobody ever sends media. */
const silentMedia = {
  address: '127.0.0.1',
  rtpPort: 9,
  rtcpPort: 9,
  isMultiplexed: true,
  codecs: callerCodecs(['PCMU']),
  frameMs: PACKET_MS,
}

describe('a call', () => {
  const MEDIA_TIMEOUT_MS = 2000
  const CALL_MAX_MS = 7000
  const live = new LiveServer({
    POULSEN_MEDIA_TIMEOUT_SECONDS: `${MEDIA_TIMEOUT_MS / 1000}`,
    POULSEN_CALL_MAX_SECONDS: `${CALL_MAX_MS / 1000}`,
  })
  let generator: CallGenerator
  beforeAll(async () => {
    await live.start()
    generator = await openOn(live)
  })
  afterAll(async () => {
    generator?.close()
    await live.dispose()
  })

  const inviteSilent = async () => {
    const invite = await generator.sip.invite({ media: silentMedia })
    if (invite.kind !== 'answered') throw new Error(JSON.stringify(invite))
    return invite.call
  }

  it.concurrent('without any media is hung up after a while, and its recording says no_input', async () => {
    const startedAtMs = performance.now()
    const call = await inviteSilent()
    expect((await call.ended).by).toBe('them')
    expect(performance.now() - startedAtMs).toBeGreaterThan(MEDIA_TIMEOUT_MS - 200)
    const recording = await live.finalOf(call.callId)
    expect(recording).toMatchObject({ status: 'no_input', duration_ms: 0, call: { end_reason: 'media_timeout' } })
  })

  it.concurrent('that is hung up before any media says no_input, too', async () => {
    const call = await inviteSilent()
    expect(await call.bye()).toMatchObject({ kind: 'response', response: { status: 200 } })
    const recording = await live.finalOf(call.callId)
    expect(recording).toMatchObject({ status: 'no_input', duration_ms: 0, call: { end_reason: 'hangup' } })
  })

  it.concurrent('whose media stops is hung up, and completed with what came', async () => {
    const running = await startOn(generator, { durationMs: 1500, lingerMs: 20_000, seed: 41 })
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('them')
    expect(await live.finalOf(outcome.callId)).toMatchObject({
      status: 'completed',
      duration_ms: 1500,
      error_code: 'media_timeout',
      call: { end_reason: 'media_timeout' },
    })
    expect(await complaintsOfCall(live, outcome)).toEqual([])
  })

  it.concurrent('on hold may be silent for longer', async () => {
    const holds = [{ fromMs: 1000, toMs: 1000 + MEDIA_TIMEOUT_MS + 1500, timestamps: 'go-on' }] as const
    const running = await startOn(generator, { durationMs: 5500, seed: 42, impairments: { holds } })
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('us')
    expect(await complaintsOfCall(live, outcome)).toEqual([])
    expect((await live.finalOf(outcome.callId)).error_code).toBeUndefined()
  })

  it.concurrent('that stops without a word after a hold is hung up all the same', async () => {
    const running = await startOn(generator, { durationMs: 1000, lingerMs: 20_000, seed: 43 })
    await running.sip.hold()
    await running.sip.resume()
    expect((await running.outcome).end.by).toBe('them')
    expect((await live.finalOf(running.callId)).call?.end_reason).toBe('media_timeout')
  })

  it.concurrent('that is too long is hung up, and completed with max_length', async () => {
    const running = await startOn(generator, { durationMs: 30_000, seed: 44 })
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('them')
    const recording = await live.finalOf(outcome.callId)
    expect(recording).toMatchObject({
      status: 'completed',
      error_code: 'max_length',
      call: { end_reason: 'max_length' },
    })
    expect(Math.abs(recording.duration_ms - CALL_MAX_MS)).toBeLessThan(500)
    expect(await complaintsOfCut(live, outcome, recording)).toEqual([])
  })
})

describe('SIGTERM', () => {
  it('refuses new calls, lets running ones finish, hangs up at the deadline, and leaves every row final', async () => {
    const live = new LiveServer({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '5' })
    await live.start()
    const generator = await openOn(live)
    try {
      const short = await startOn(generator, { durationMs: 2500, seed: 51 })
      const long = await startOn(generator, { durationMs: 60_000, seed: 52, codecs: ['G722'] })
      live.server.signal('SIGTERM')
      const refused = await waitFor(async () => {
        const started = await generator.start({ durationMs: 60_000 })
        if (started.kind === 'failed') return started.invite
        started.hangUp()
        await started.outcome
        return undefined
      })
      expect(refused).toMatchObject({ kind: 'refused', status: 503, retryAfterSeconds: expect.any(Number) })
      const [finished, cut] = await Promise.all([short.outcome, long.outcome])
      expect([finished.end.by, cut.end.by]).toEqual(['us', 'them'])
      expect(await live.server.ended).toBe(0)
      await live.start()
      const rows = await live.list()
      expect(rows.filter(({ status }) => status === 'recording')).toEqual([])
      expect(await complaintsOfCall(live, finished)).toEqual([])
      expect((await live.finalOf(finished.callId)).call?.end_reason).toBe('hangup')
      const recording = await live.finalOf(cut.callId)
      expect(recording).toMatchObject({
        status: 'completed',
        error_code: 'shutdown',
        call: { end_reason: 'shutdown' },
      })
      expect(recording.duration_ms).toBeGreaterThan(4000)
      expect(await complaintsOfCut(live, cut, recording)).toEqual([])
    } finally {
      generator.close()
      await live.dispose()
    }
  })
})

describe('a full disk', () => {
  const RESERVE_BYTES = 16 * MEBIBYTE
  /** With the reserve watched, and without one, so that writes fail. */
  const careful = new LiveServer({ POULSEN_DISK_RESERVE_BYTES: `${RESERVE_BYTES}` })
  const careless = new LiveServer({ POULSEN_DISK_RESERVE_BYTES: '0' })
  /** Wants to keep more than there is. */
  const starved = new LiveServer({ POULSEN_DISK_RESERVE_BYTES: `${128 * MEBIBYTE}` })
  beforeAll(async () => {
    for (const { dataDir } of [careful, careless, starved])
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'poulsen-test', dataDir])
    await Promise.all([careful, careless, starved].map((live) => live.start()))
  })
  afterAll(async () => {
    for (const live of [careful, careless, starved]) {
      await live.server.kill()
      execFileSync('umount', [live.dataDir])
      await live.dispose()
    }
  })

  const ballastOf = ({ dataDir }: LiveServer) => join(dataDir, 'ballast')
  const leaveFree = (live: LiveServer, bytes: number) => {
    const available = execFileSync('df', ['--output=avail', '-B1', live.dataDir]).toString().split('\n')[1]
    writeFileSync(ballastOf(live), Buffer.alloc(Math.max(0, Number(available) - bytes)), { flag: 'a' })
  }
  /** To the last page: the server writes at the same time, so what is free when one looks is not what is free when one writes. */
  const leaveNothing = (live: LiveServer) => {
    const file = openSync(ballastOf(live), 'a')
    try {
      for (;;) writeSync(file, Buffer.alloc(64 * 1024))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    } finally {
      closeSync(file)
    }
  }
  /** How a new call is refused, as soon as one is. */
  const refusal = (generator: CallGenerator) =>
    waitFor(async () => {
      const started = await generator.start({ durationMs: 60_000 })
      if (started.kind === 'failed') return started.invite
      started.hangUp()
      await started.outcome
      return undefined
    })
  const takenAgain = (generator: CallGenerator, options: CallOptions) =>
    waitFor(async () => {
      const started = await generator.start(options)
      return started.kind === 'running' ? started.outcome : undefined
    })

  it.concurrent('refuses new calls first, then ends the running ones with what they have; reading goes on', async () => {
    const generator = await openOn(careful)
    const running = await startOn(generator, { durationMs: 60_000, seed: 61 })
    leaveFree(careful, RESERVE_BYTES / 2)
    expect(await refusal(generator)).toMatchObject({
      kind: 'refused',
      status: 503,
      retryAfterSeconds: expect.any(Number),
    })
    expect(running.sip.isOver).toBe(false)
    leaveFree(careful, RESERVE_BYTES / 8)
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('them')
    const recording = await careful.finalOf(outcome.callId)
    expect(recording).toMatchObject({
      status: 'completed',
      error_code: 'disk_full',
      call: { end_reason: 'disk_full' },
    })
    expect(recording.duration_ms).toBeGreaterThan(500)
    expect(await complaintsOfCut(careful, outcome, recording)).toEqual([])
    rmSync(ballastOf(careful))
    const next = await takenAgain(generator, { durationMs: 1500, seed: 62 })
    expect(await complaintsOfCall(careful, next)).toEqual([])
    generator.close()
  })

  it.concurrent('that no reserve saw coming ends calls where it came, and what came before plays', async () => {
    const generator = await openOn(careless)
    const running = await startOn(generator, { durationMs: 60_000, seed: 63 })
    await waitFor(async () => {
      const row = (await careless.list()).find(({ relay_sip_leg_id }) => relay_sip_leg_id === running.callId)
      return row && (await careless.bytes(row.url)).length > 8000 ? row : undefined
    })
    leaveNothing(careless)
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('them')
    // Its row is written when there is room again, at the latest.
    await careless.list()
    rmSync(ballastOf(careless))
    const recording = await careless.finalOf(outcome.callId)
    expect(recording).toMatchObject({ status: 'completed', error_code: 'disk_full' })
    expect(recording.duration_ms).toBeGreaterThan(700)
    expect(await complaintsOfCut(careless, outcome, recording)).toEqual([])
    const next = await takenAgain(generator, { durationMs: 1500, seed: 64 })
    expect(await complaintsOfCall(careless, next)).toEqual([])
    generator.close()
  })

  it.concurrent('that never had its reserve takes no call, says for how long, and still answers', async () => {
    const generator = await openOn(starved)
    const started = await generator.start({ durationMs: 1000 })
    expect(started).toMatchObject({
      kind: 'failed',
      invite: { kind: 'refused', status: 503, retryAfterSeconds: expect.any(Number) },
    })
    expect(await generator.sip.options()).toMatchObject({ kind: 'response', response: { status: 200 } })
    expect(await starved.list()).toEqual([])
    generator.close()
  })
})
