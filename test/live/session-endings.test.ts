import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SessionOptions } from '../../src/caller/siprec-options.ts'
import type { RunningSession } from '../../src/caller/siprec-outcome.ts'
import { cliOn } from '../integration/support/cli.ts'
import { waitFor } from '../support/wait-for.ts'
import { LiveServer, type WireDetails, type WireRecording } from './support/live-server.ts'
import { complaintsOfCutSession } from './support/session-cut.ts'
import { judgeChannels, latenessOf } from './support/session-judge.ts'
import { completed, legIdOf, SessionStage } from './support/session-stage.ts'
import { SmallDisk } from './support/small-disk.ts'

const MEBIBYTE = 1024 ** 2
const MEDIA_TIMEOUT_MS = 2000
/** Longer than any test waits. */
const LONG_MS = 60_000
const SEPARATE = '127.0.0.90'
const TWO_CHANNELS = [[0], [1]]
/** Nobody says anything while the test lasts. */
const SILENT: SessionOptions = { durationMs: LONG_MS, streams: [0, 1].map(() => ({ startsAtMs: LONG_MS - 1 })) }

const rowOf = (live: LiveServer, session: RunningSession): Promise<WireRecording> =>
  waitFor(async () => (await live.list()).find(({ relay_sip_leg_id }) => relay_sip_leg_id === legIdOf(session)))

/** The row of a session of which some audio can be read. */
const heardRowOf = (live: LiveServer, session: RunningSession): Promise<WireRecording> =>
  waitFor(async () => {
    const row = await rowOf(live, session)
    return (await live.bytes(row.url)).length > 16_000 ? row : undefined
  })

describe('a session', () => {
  const live = new LiveServer({ POULSEN_MEDIA_TIMEOUT_SECONDS: `${MEDIA_TIMEOUT_MS / 1000}` })
  const stage = new SessionStage(live)
  beforeAll(async () => {
    await live.start()
    await cliOn(live.dataDir).json('trunk', 'create', '--name', 'apart', '--layout', 'separate', '--network', SEPARATE)
  })
  afterAll(async () => {
    await stage.close()
    await live.dispose()
  })

  it.concurrent('goes on when one leg falls silent, for as long as the other speaks', async () => {
    const session = await stage.begin({ durationMs: 5000, seed: 11, streams: [{}, { endsAtMs: 1000 }] })
    const { streams, end } = await completed(session)
    expect(end.by).toBe('us')
    const [recording] = (await stage.finalsOf(legIdOf(session))) as [WireDetails]
    expect(recording).toMatchObject({ status: 'completed', call: { end_reason: 'hangup' } })
    expect(recording).not.toHaveProperty('error_code')
    expect(await stage.complaintsOf(recording, streams)).toEqual([])
  })

  it.concurrent('is hung up when both have fallen silent, and completed with what came', async () => {
    const options = { durationMs: 1800, lingerMs: 20_000, seed: 21, streams: [{ endsAtMs: 1200 }, {}] }
    const session = await stage.begin(options)
    const { streams, end } = await completed(session)
    expect(end.by).toBe('them')
    const [recording] = (await stage.finalsOf(legIdOf(session))) as [WireDetails]
    const reason = 'media_timeout'
    expect(recording).toMatchObject({ status: 'completed', error_code: reason, call: { end_reason: reason } })
    expect(await stage.complaintsOf(recording, streams)).toEqual([])
  })

  it.concurrent('on hold may be silent for longer, and is hung up when it stays silent behind it', async () => {
    const holds = [
      { atMs: 800, kind: 'hold' },
      { atMs: 800 + MEDIA_TIMEOUT_MS + 1500, kind: 'resume' },
    ] as const
    const options = { durationMs: 5000, seed: 31, events: holds }
    const silent = { ...options, lingerMs: 20_000, streams: [{ endsAtMs: 700 }, { endsAtMs: 700 }] }
    const [spoken, unspoken] = await Promise.all([stage.begin(options), stage.begin(silent)])
    const { streams, end } = await completed(spoken)
    expect(end.by).toBe('us')
    const [recording] = (await stage.finalsOf(legIdOf(spoken))) as [WireDetails]
    expect(recording).toMatchObject({ status: 'completed', call: { end_reason: 'hangup' } })
    expect(await stage.complaintsOf(recording, streams)).toEqual([])
    const { answeredAtMs, endedAtMs, ...outcome } = await completed(unspoken)
    expect(outcome.end.by).toBe('them')
    expect(endedAtMs - answeredAtMs).toBeGreaterThan(800 + 2 * MEDIA_TIMEOUT_MS)
    expect(await stage.finalsOf(legIdOf(unspoken))).toMatchObject([
      { status: 'completed', error_code: 'media_timeout', call: { end_reason: 'media_timeout' } },
    ])
  })

  it.concurrent('of two recordings ends with both of them', async () => {
    const begin = (options: SessionOptions) => stage.begin(options, SEPARATE)
    const spoken = await begin({ durationMs: 5000, seed: 41, streams: [{}, { endsAtMs: 1000 }] })
    const unspoken = await begin({ durationMs: 1000, seed: 51, lingerMs: 20_000 })
    const outcomes = [await completed(spoken), await completed(unspoken)] as const
    expect(outcomes.map(({ end }) => end.by)).toEqual(['us', 'them'])
    for (const [index, outcome] of outcomes.entries()) {
      const recordings = await stage.finalsOf(legIdOf(outcome), 2)
      const reason = index === 0 ? 'hangup' : 'media_timeout'
      expect(recordings.map(({ call }) => call?.end_reason)).toEqual([reason, reason])
      for (const [position, recording] of recordings.entries()) {
        const own = outcome.streams.slice(position, position + 1)
        const { complaints } = judgeChannels(await stage.channelsOf(recording), own, [[0]], latenessOf(own))
        expect(complaints).toEqual([])
      }
    }
  })

  it.concurrent('without any media is hung up after a while; its recording says no_input and who took part', async () => {
    const session = await stage.begin(SILENT)
    const { end } = await completed(session)
    expect(end.by).toBe('them')
    const [recording] = (await stage.finalsOf(legIdOf(session))) as [WireDetails]
    expect(recording).toMatchObject({ status: 'no_input', duration_ms: 0, call: { end_reason: 'media_timeout' } })
    expect((await stage.metadataOf(recording.id)).participants).toHaveLength(2)
  })

  it.concurrent('that is hung up before any media says no_input, too', async () => {
    const session = await stage.begin(SILENT)
    session.hangUp()
    expect((await completed(session)).byeAnsweredAfterMs).toBeGreaterThan(0)
    expect(await stage.finalsOf(legIdOf(session))).toMatchObject([
      { status: 'no_input', duration_ms: 0, call: { end_reason: 'hangup' } },
    ])
  })

  it.concurrent('whose recording is deleted is hung up, and nothing of it is left', async () => {
    const session = await stage.begin({ durationMs: LONG_MS, seed: 61 })
    const row = await heardRowOf(live, session)
    await live.remove(row.id)
    expect((await completed(session)).end.by).toBe('them')
    const { authorization } = live.credentials
    const paths = [
      `/api/relay/rest/recordings/${row.id}`,
      `/v1/recordings/${row.id}`,
      `/v1/recordings/${row.id}/metadata`,
    ]
    for (const path of paths) {
      const { status } = await fetch(new URL(path, live.server.url), { headers: { authorization } })
      expect(status, path).toBe(404)
    }
    expect((await fetch(row.url)).status).toBe(404)
    expect((await live.list()).map(({ id }) => id)).not.toContain(row.id)
  })

  it.concurrent('keeps the metadata that comes with its BYE', async () => {
    const session = await stage.begin({ durationMs: LONG_MS, seed: 71 })
    const { id } = await heardRowOf(live, session)
    const { authorization } = live.credentials
    const kept = await fetch(new URL(`/v1/recordings/${id}/metadata.xml`, live.server.url), {
      headers: { authorization },
    })
    const text = (await kept.text()).replace('Participant 2', 'Bo, as the last word has it')
    const headers = [['Content-Disposition', 'recording-session']] as const
    const body = { type: 'application/rs-metadata+xml', text, headers }
    expect(await session.sip.request('BYE', { body })).toMatchObject({ kind: 'response', response: { status: 200 } })
    session.sip.end({ by: 'us' })
    const { streams } = await completed(session)
    const [recording] = (await stage.finalsOf(legIdOf(session))) as [WireDetails]
    expect(recording).toMatchObject({ id, status: 'completed', call: { end_reason: 'hangup' } })
    const names = (await stage.metadataOf(id)).participants.flatMap((participant) => participant.names)
    expect(names.map(({ name }) => name)).toContain('Bo, as the last word has it')
    expect(streams).toHaveLength(2)
  })
})

describe('a full disk', () => {
  const RESERVE_BYTES = 16 * MEBIBYTE
  /** With the reserve watched, and without one, so that writes fail. */
  const [careful, careless] = [RESERVE_BYTES, 0].map(
    (bytes) => new LiveServer({ POULSEN_DISK_RESERVE_BYTES: `${bytes}` }),
  ) as [LiveServer, LiveServer]
  const disks = new Map([careful, careless].map((live) => [live, new SmallDisk(live.dataDir)]))
  beforeAll(async () => {
    for (const [live, disk] of disks) {
      disk.mount(64)
      await live.start()
    }
  })
  afterAll(async () => {
    for (const [live, disk] of disks) {
      await live.server.kill()
      disk.unmount()
      await live.dispose()
    }
  })

  it.concurrent.each([
    ['that is seen to come', careful, (disk: SmallDisk) => disk.leaveFree(RESERVE_BYTES / 8), 100],
    ['that nobody saw coming', careless, (disk: SmallDisk) => disk.leaveNothing(), 1_300],
  ] as const)('%s ends sessions with what they have in both channels', async (_which, live, fill, lostMaxMs) => {
    const stage = new SessionStage(live)
    const session = await stage.begin({ durationMs: LONG_MS, seed: 81 })
    await heardRowOf(live, session)
    const filledAtMs = Date.now()
    fill(disks.get(live) as SmallDisk)
    const { streams, end } = await completed(session)
    expect(end.by).toBe('them')
    // Its row is written when there is room again, at the latest.
    await live.list()
    disks.get(live)?.clear()
    const [recording] = (await stage.finalsOf(legIdOf(session))) as [WireDetails]
    expect(recording).toMatchObject({ status: 'completed', error_code: 'disk_full' })
    const untilMs = filledAtMs - lostMaxMs
    const audio = await stage.channelsOf(recording)
    expect(complaintsOfCutSession(audio, streams, { order: TWO_CHANNELS, untilMs })).toEqual([])
    const { participants } = await stage.metadataOf(recording.id)
    expect(participants).toHaveLength(2)
    const next = await waitFor(() => stage.begin({ durationMs: 1500, seed: 91 }).catch(() => undefined))
    const after = await completed(next)
    const [row] = (await stage.finalsOf(legIdOf(next))) as [WireDetails]
    expect(await stage.complaintsOf(row, after.streams)).toEqual([])
    await stage.close()
  })
})
