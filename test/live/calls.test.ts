import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallOptions, CallTargetOptions } from '../../src/caller/call-options.ts'
import { CallGenerator, type RunningCall } from '../../src/caller/place-call.ts'
import { headerOf, type SipMessage } from '../../src/protocol/sip/message.ts'
import { waitFor } from '../support/wait-for.ts'
import { complaintsOfCall } from './support/judge.ts'
import { LiveServer, type WireRecording } from './support/live-server.ts'

const live = new LiveServer()
const generators: CallGenerator[] = []
beforeAll(() => live.start())
afterAll(async () => {
  for (const generator of generators) generator.close()
  await live.dispose()
})

/** Half way to the shortest session there is (RFC 4028 §5), which is when it is refreshed. */
const REFRESHED_AFTER_MS = 45_000

const open = async (options: CallTargetOptions = {}): Promise<CallGenerator> => {
  const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${live.sipPort()}`, ...options })
  generators.push(generator)
  return generator
}

const start = async (options: CallOptions, more: CallTargetOptions = {}): Promise<RunningCall> => {
  const started = await (await open(more)).start(options)
  if (started.kind === 'failed') throw new Error(JSON.stringify(started.invite))
  return started
}

/** The row of a call that runs. */
const rowOf = (callId: string): Promise<WireRecording> =>
  waitFor(async () => (await live.list()).find(({ relay_sip_leg_id }) => relay_sip_leg_id === callId))

describe('within a call', () => {
  it.concurrent('a hold and what comes after it are answered, and the media goes on', async () => {
    const running = await start({ durationMs: 2500, seed: 1 })
    expect(await running.sip.hold()).toMatchObject({ kind: 'agreed', remote: { direction: 'inactive', lineCount: 1 } })
    expect(await running.sip.hold('sendonly')).toMatchObject({ kind: 'agreed', remote: { direction: 'recvonly' } })
    expect(await running.sip.resume()).toMatchObject({ kind: 'agreed', remote: { direction: 'recvonly' } })
    expect(await complaintsOfCall(live, await running.outcome)).toEqual([])
  })

  it.concurrent('UPDATE is answered with a session and without one', async () => {
    const running = await start({ durationMs: 2000, seed: 2 })
    const bare = await running.sip.update()
    expect(bare).toMatchObject({ kind: 'agreed', remote: undefined })
    const first = await running.sip.update({ withSession: true })
    const second = await running.sip.update({ withSession: true })
    expect([first, second]).toMatchObject([{ kind: 'agreed' }, { kind: 'agreed' }])
    expect(await complaintsOfCall(live, await running.outcome)).toEqual([])
  })

  it.concurrent('OPTIONS and INFO are answered, what nobody knows is refused, and the call goes on', async () => {
    const running = await start({ durationMs: 1500, seed: 3 })
    const statuses: unknown[] = []
    for (const method of ['OPTIONS', 'INFO', 'PUBLISH', 'REFER']) {
      const answer = await running.sip.request(method)
      statuses.push(answer.kind === 'response' ? answer.response.status : answer.kind)
    }
    expect(statuses[0]).toBe(200)
    expect(statuses.slice(2)).toEqual([405, 405])
    expect(await complaintsOfCall(live, await running.outcome)).toEqual([])
  })

  it.concurrent('an offer may come late, over UDP and TCP', async () => {
    for (const transport of ['udp', 'tcp'] as const) {
      const target = `sip:127.0.0.1:${live.sipPort(transport)};transport=${transport}`
      const codecs = transport === 'udp' ? ['PCMA'] : ['G722']
      const running = await start({ durationMs: 1500, seed: 4, hasLateOffer: true, codecs }, { target })
      expect(running.codec.codec).toBe(codecs[0])
      expect(await complaintsOfCall(live, await running.outcome)).toEqual([])
    }
  })

  it.concurrent('what is lost of signalling is repeated: nothing is recorded twice, nothing is cut', async () => {
    const seen = new Map<string, number>()
    // Of every message the first copy is lost, both ways.
    const loses = (message: SipMessage, direction: 'out' | 'in'): boolean => {
      const what = message.kind === 'request' ? message.method : message.status
      const key = [direction, what, headerOf(message, 'CSeq'), headerOf(message, 'Call-ID')].join(' ')
      seen.set(key, (seen.get(key) ?? 0) + 1)
      return seen.get(key) === 1
    }
    const running = await start({ durationMs: 2500, seed: 5 }, { loses, t1Ms: 100 })
    expect(await complaintsOfCall(live, await running.outcome)).toEqual([])
    const legs = (await live.list()).map(({ relay_sip_leg_id }) => relay_sip_leg_id)
    expect(legs.filter((leg) => leg === running.callId)).toHaveLength(1)
  })
})

describe('CANCEL', () => {
  it.concurrent('leaves no call, no audio and nothing that runs, whoever was faster', async () => {
    const generator = await open()
    for (const cancelAfterMs of [0, 1, 2, 5]) {
      const outcome = await generator.start({ durationMs: 1000, cancelAfterMs })
      if (outcome.kind === 'running') {
        // The answer was there before the CANCEL could be sent.
        outcome.hangUp()
        await outcome.outcome
        continue
      }
      const { invite, callId } = outcome
      expect(invite).toMatchObject({ kind: 'cancelled', status: expect.toBeOneOf([200, 487]) })
      // A row that was on its way already stays, and says that nothing came.
      const left = await waitFor(async () => {
        const row = (await live.list()).find(({ relay_sip_leg_id }) => relay_sip_leg_id === callId)
        return row?.status === 'recording' ? undefined : (row?.status ?? 'none')
      })
      expect(left).toBeOneOf(['none', 'no_input'])
    }
    expect(generator.sip.callCount).toBe(0)
  })
})

describe('a session timer', () => {
  it.concurrent('is refreshed by the caller or by us, whoever should', { timeout: 90_000 }, async () => {
    const updates: string[] = []
    const loses = (message: SipMessage, direction: 'out' | 'in'): boolean => {
      if (direction === 'in' && message.kind === 'request') updates.push(message.method)
      return false
    }
    const durationMs = REFRESHED_AFTER_MS + 3000
    const ours = await start({ durationMs, seed: 6, sessionExpiresSeconds: 90 })
    const headers = [['Session-Expires', '90;refresher=uas']] as const
    const theirs = await start({ durationMs, seed: 7, headers }, { loses })
    const [refreshing, refreshed] = await Promise.all([ours.outcome, theirs.outcome])
    expect([ours.sip.refreshCount, theirs.sip.refreshCount]).toEqual([1, 0])
    expect(updates).toEqual(['UPDATE'])
    expect([refreshing.end, refreshed.end]).toEqual([{ by: 'us' }, { by: 'us' }])
    expect(await Promise.all([complaintsOfCall(live, refreshing), complaintsOfCall(live, refreshed)])).toEqual([[], []])
  })

  it.concurrent('that is too short is asked to be longer', async () => {
    const generator = await open()
    const outcome = await generator.sip.request('OPTIONS')
    expect(outcome.kind).toBe('response')
    const running = await start({ durationMs: 500, seed: 8, sessionExpiresSeconds: 10 })
    const refused = await running.sip.update({ headers: [['Session-Expires', '10']] })
    expect(refused).toMatchObject({ kind: 'refused', status: 422 })
    expect((await running.outcome).end).toEqual({ by: 'us' })
  })
})

describe('a recording that runs', () => {
  it.concurrent('says so, and plays what is there, which grows', async () => {
    const running = await start({ durationMs: 5000, seed: 9 })
    const row = await rowOf(running.callId)
    expect(row.status).toBe('recording')
    const heard: Float32Array[] = []
    for (const wantedMs of [800, 1800, 2800]) {
      const { samples } = await waitFor(async () => {
        const audio = await live.audio(row)
        return audio.samples.length / 8 >= wantedMs ? audio : undefined
      })
      heard.push(samples)
      await delay(50)
    }
    expect(running.sip.isOver).toBe(false)
    const outcome = await running.outcome
    expect(await complaintsOfCall(live, outcome)).toEqual([])
    const { samples: whole } = await live.audio(await live.finalOf(outcome.callId))
    for (const part of heard) expect(part).toEqual(whole.subarray(0, part.length))
  })

  it.concurrent('that is deleted ends, and nothing of it is left', async () => {
    const running = await start({ durationMs: 20_000, seed: 10 })
    const row = await rowOf(running.callId)
    await waitFor(async () => (await live.bytes(row.url)).length > 1000 || undefined)
    await live.remove(row.id)
    const outcome = await running.outcome
    expect(outcome.end.by).toBe('them')
    const { authorization } = live.credentials
    for (const path of [`/api/relay/rest/recordings/${row.id}`, `/v1/recordings/${row.id}`]) {
      const { status } = await fetch(new URL(path, live.server.url), { headers: { authorization } })
      expect(status, path).toBe(404)
    }
    expect((await fetch(row.url)).status).toBe(404)
    expect((await live.list()).map(({ id }) => id)).not.toContain(row.id)
  })

  it.concurrent('has its call and its quality, and every view of it agrees', async () => {
    const running = await start({ durationMs: 1500, seed: 11 })
    const outcome = await running.outcome
    const details = await live.finalOf(outcome.callId)
    const listed = (await live.list()).find(({ id }) => id === details.id)
    const got = await live.get<WireRecording>(`/api/relay/rest/recordings/${details.id}`)
    expect(got).toEqual(listed)
    expect(details).toMatchObject({ ...got })
    expect(details.byte_size).toBe((await live.bytes(details.url)).length)
    expect(details.call).toMatchObject({ call_id: outcome.callId, end_reason: 'hangup' })
    expect(details.call?.from).toContain('sip:caller@127.0.0.1')
    const { packets } = outcome.sent
    expect(details.quality).toMatchObject({ gaps: [], streams: [{ codec: 'PCMU', packets, lost: 0, strangers: 0 }] })
  })
})
