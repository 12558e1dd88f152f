import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wavHeaderBytes } from '../../src/audio/containers/wav-writer.ts'
import { makeSrtpKey } from '../../src/audio/srtp/srtp-key.ts'
import type { CallRequest, MediaPorts, RecordedCall } from '../../src/capture/call-recorder.ts'
import type { CapturePool } from '../../src/capture/capture-pool.ts'
import { aCaptureBench } from '../builders/capture-pool.ts'
import { levelOf, levelsAt, plan, Talker } from '../builders/talkers.ts'
import { someMetadata } from '../builders/values.ts'
import { waitFor } from '../support/wait-for.ts'

const PACKET_MS = 20
const HEAD = wavHeaderBytes('pcm_mulaw')
const bench = await aCaptureBench({ first: 43_000, last: 43_999 })
const { folder, project, catalogue, troubles } = bench
let pool: CapturePool

beforeAll(async () => {
  pool = await bench.openPool()
})

afterAll(async () => {
  await pool.close()
  await bench.close()
})

const aSession = (parts: Partial<CallRequest> = {}): CallRequest => ({
  project,
  leg: { type: 'sip', id: randomUUID() },
  track: 'both',
  layout: 'stereo',
  callId: 'session@test',
  from: '<sip:a@test>',
  to: '<sip:b@test>',
  startedAtMs: Date.now(),
  streams: [plan(0), plan(1)],
  ...parts,
})

/** How late the senders of a test were at worst: who joins is placed by its arrival, and so may be the end. */
let lateMs = 0
beforeEach(() => {
  lateMs = 0
})
const lengthOf =
  (saidMs: number) =>
  (durationMs: number): boolean =>
    durationMs >= saidMs - PACKET_MS && durationMs <= saidMs + lateMs + PACKET_MS

/** All speak at once for a while. */
const speak = async (talkers: readonly (readonly [Talker, MediaPorts])[], packets: number): Promise<void> => {
  const begunMs = performance.now()
  for (let n = 0; n < packets; n += 1) {
    lateMs = Math.max(lateMs, performance.now() - begunMs - n * PACKET_MS)
    for (const [talker, to] of talkers) talker.send(to)
    const waitMs = begunMs + (n + 1) * PACKET_MS - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

const recordingOf = async (call: RecordedCall) => {
  const row = await catalogue.findRecording(project.id, call.recordingId)
  return { row, bytes: await bench.bytesOf(row?.media?.key ?? '') }
}

const near = (level: number) => expect.toSatisfy((found: number) => Math.abs(found - level) < 300, `about ${level}`)

describe('a session of two streams', () => {
  it('is one recording of two channels, µ-law as it came, with its metadata', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 2 })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const metadata = someMetadata()
    const call = await reservation.begin(aSession({ metadata }))
    await call.appendMetadata({ ...metadata, receivedAtMs: metadata.receivedAtMs + 1 })
    const talkers = [new Talker(0), new Talker(1)] as const
    await speak([[talkers[0], left]], 15)
    await speak(
      [
        [talkers[0], left],
        [talkers[1], right],
      ],
      50,
    )
    await call.end('hangup')
    const { row, bytes } = await recordingOf(call)
    expect(row).toMatchObject({ status: 'completed', track: 'both', media: { codec: 'pcm_mulaw', channels: 2 } })
    expect(row?.durationMs).toSatisfy(lengthOf(1_300))
    expect(Math.abs(bytes.length - HEAD - 16 * (row?.durationMs ?? 0))).toBeLessThanOrEqual(16)
    expect(await levelsAt(bytes, 200)).toEqual([near(levelOf(0)), 0])
    expect(await levelsAt(bytes, 800)).toEqual([near(levelOf(0)), near(levelOf(1))])
    const details = await catalogue.findCallDetails(project.id, call.recordingId)
    expect(details?.streams).toMatchObject([
      { label: '0', channel: 0, packets: 65, lost: 0 },
      { label: '1', channel: 1, packets: 50, lost: 0 },
    ])
    const gapsBeforeEnd = details?.gaps.filter(({ startMs }) => startMs < 1_280)
    expect(gapsBeforeEnd).toMatchObject([{ startMs: 0, stream: 1 }])
    expect(await catalogue.listMetadata(project.id, call.recordingId)).toHaveLength(2)
    for (const talker of talkers) talker.close()
    expect(troubles).toEqual([])
  })

  it('of two codecs becomes 16-bit PCM, and one channel when that is wanted', async () => {
    const streams = [plan(0), plan(1, 'PCMA')]
    for (const layout of ['stereo', 'mono'] as const) {
      const reservation = await pool.reserve({ family: 4, streamCount: 2 })
      const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
      const call = await reservation.begin(aSession({ streams, layout }))
      const [one, other] = [new Talker(0), new Talker(1, { codec: 'PCMA' })]
      await speak(
        [
          [one, left],
          [other, right],
        ],
        30,
      )
      await call.end('hangup')
      const { row, bytes } = await recordingOf(call)
      expect(row?.media?.codec).toBe('pcm_s16le')
      const both = layout === 'stereo' ? [near(levelOf(0)), near(levelOf(1))] : [near(levelOf(0) + levelOf(1))]
      expect(await levelsAt(bytes, 300)).toEqual(both)
      one.close()
      other.close()
    }
  })

  it('takes a third stream in mid-call', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 2 })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const call = await reservation.begin(aSession())
    const talkers = [new Talker(0), new Talker(1), new Talker(2)] as const
    await speak(
      [
        [talkers[0], left],
        [talkers[1], right],
      ],
      30,
    )
    const third = await reservation.addStream()
    call.update({ streams: [plan(0), plan(1), { ...plan(1), label: '2' }] })
    await speak(
      [
        [talkers[0], left],
        [talkers[1], right],
      ],
      10,
    )
    await speak(
      [
        [talkers[0], left],
        [talkers[1], right],
        [talkers[2], third],
      ],
      30,
    )
    await call.end('hangup')
    const { row, bytes } = await recordingOf(call)
    expect(row?.durationMs).toSatisfy(lengthOf(1_400))
    expect(await levelsAt(bytes, 300)).toEqual([near(levelOf(0)), near(levelOf(1))])
    expect(await levelsAt(bytes, 1_200)).toEqual([near(levelOf(0)), near(levelOf(1) + levelOf(2))])
    const details = await catalogue.findCallDetails(project.id, call.recordingId)
    expect(details?.streams.map(({ label, packets }) => [label, packets])).toEqual([
      ['0', 70],
      ['1', 70],
      ['2', 30],
    ])
    for (const talker of talkers) talker.close()
  })

  it('is a recording a stream when that is wanted', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 2, isSeparate: true })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const request = aSession({ layout: 'separate', metadata: someMetadata() })
    const call = await reservation.begin(request)
    const [one, other] = [new Talker(0), new Talker(1)]
    await speak(
      [
        [one, left],
        [other, right],
      ],
      30,
    )
    await call.end('hangup')
    expect(await call.ended).toBe('hangup')
    const { items } = await catalogue.listRecordings(project.id, { limit: 100 })
    const parts = items.filter(({ leg }) => leg.id === request.leg.id)
    expect(parts.map(({ track, status }) => [track, status]).sort()).toEqual([
      ['inbound', 'completed'],
      ['outbound', 'completed'],
    ])
    for (const { track, media, id } of parts) {
      const bytes = await bench.bytesOf(media?.key ?? '')
      expect(await levelsAt(bytes, 300)).toEqual([near(levelOf(track === 'inbound' ? 0 : 1))])
      expect(await catalogue.listMetadata(project.id, id)).toHaveLength(1)
    }
    one.close()
    other.close()
  })

  it('of a recording a stream goes on while one stream is heard, and ends when none is', async () => {
    const impatient = await bench.openPool({ mediaTimeoutMs: 300 })
    const reservation = await impatient.reserve({ family: 4, streamCount: 2, isSeparate: true })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const request = aSession({ layout: 'separate' })
    const call = await reservation.begin(request)
    const [one, other] = [new Talker(0), new Talker(1)]
    await speak([[other, right]], 5)
    await speak([[one, left]], 40)
    await speak([[other, right]], 5)
    expect(await call.ended).toBe('media_timeout')
    const rows = await waitFor(async () => {
      const { items } = await catalogue.listRecordings(project.id, { limit: 100 })
      const parts = items.filter(({ leg, status }) => leg.id === request.leg.id && status === 'completed')
      return parts.length === 2 ? parts : undefined
    })
    const details = await Promise.all(rows.map(({ id }) => catalogue.findCallDetails(project.id, id)))
    expect(details.map((each) => each?.streams[0]?.packets).sort()).toEqual([10, 40])
    one.close()
    other.close()
    await impatient.close()
  })

  it('hands its ports on to the recording of the next session, which misses nothing', async () => {
    const reservation = await pool.reserve({ family: 4, streamCount: 2 })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const first = await reservation.begin(aSession())
    const talkers = [new Talker(0), new Talker(1)] as const
    const both = [
      [talkers[0], left],
      [talkers[1], right],
    ] as const
    await speak(both, 25)
    const next = await reservation.succeed()
    const handedOn = first.end('hangup')
    await speak(both, 10)
    const second = await next.begin(aSession())
    await speak(both, 25)
    await Promise.all([handedOn, second.end('hangup')])
    const packets = async ({ recordingId }: RecordedCall) =>
      (await catalogue.findCallDetails(project.id, recordingId))?.streams.map((stream) => stream.packets)
    expect(await packets(first)).toEqual([25, 25])
    expect(await packets(second)).toEqual([35, 35])
    for (const talker of talkers) talker.close()
  })

  it('is rebuilt from the journal, both channels in their place', async () => {
    const mortal = await bench.openPool({ entry: new URL('../fakes/mortal-capture-worker.ts', import.meta.url) })
    const reservation = await mortal.reserve({ family: 4, streamCount: 2 })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const call = await reservation.begin(aSession())
    const [one, other] = [new Talker(0), new Talker(1)]
    await speak([[one, left]], 10)
    await speak(
      [
        [one, left],
        [other, right],
      ],
      100,
    )
    await waitFor(async () => ((await mortal.open(call.recordingId))?.byteSize ?? 0) > HEAD || undefined)
    await speak(
      [
        [one, left],
        [other, right],
      ],
      20,
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    writeFileSync(join(folder, 'capture', 'die'), '')
    expect(await call.ended).toBe('internal')
    await call.end('hangup')
    const { row, bytes } = await recordingOf(call)
    expect(row).toMatchObject({ status: 'completed', errorCode: 'recovered' })
    expect(row?.durationMs).toSatisfy(lengthOf(2_600))
    expect(Math.abs(bytes.length - HEAD - 16 * (row?.durationMs ?? 0))).toBeLessThanOrEqual(16)
    for (const atMs of [100, 1_000, 2_400]) {
      expect(await levelsAt(bytes, atMs), `${atMs}`).toEqual([near(levelOf(0)), atMs < 200 ? 0 : near(levelOf(1))])
    }
    troubles.length = 0
    one.close()
    other.close()
    await mortal.close()
  })
})

describe('a secured session (RFC 3711)', () => {
  it('is opened, and what is tampered with, replayed or of a stranger is dropped and counted', async () => {
    const keys = [makeSrtpKey('AES_CM_128_HMAC_SHA1_80'), makeSrtpKey('AEAD_AES_256_GCM')] as const
    const security = keys.map((receive) => ({ receive, send: makeSrtpKey(receive.suite) }))
    const streams = [plan(0), plan(1)].map((each) => ({ ...each, isSecured: true }))
    const reservation = await pool.reserve({ family: 4, streamCount: 2 })
    const [left, right] = reservation.ports as [MediaPorts, MediaPorts]
    const call = await reservation.begin(aSession({ streams, security }))
    const [one, other] = [new Talker(0, { key: keys[0] }), new Talker(1, { key: keys[1] })]
    await speak(
      [
        [one, left],
        [other, right],
      ],
      20,
    )
    const replayed = one.packet()
    one.send(left, replayed)
    one.send(left, replayed)
    const tampered = one.packet()
    tampered[20] = (tampered[20] as number) ^ 1
    one.send(left, tampered)
    new Talker(0).send(right)
    await speak(
      [
        [one, left],
        [other, right],
      ],
      20,
    )
    const journal = readdirSync(join(folder, 'capture', 'journal')).map((name) =>
      readFileSync(join(folder, 'capture', 'journal', name)),
    )
    await call.end('hangup')
    const { bytes } = await recordingOf(call)
    expect(await levelsAt(bytes, 300)).toEqual([near(levelOf(0)), near(levelOf(1))])
    const details = await catalogue.findCallDetails(project.id, call.recordingId)
    expect(details?.streams).toMatchObject([
      { packets: 41, lost: 1, replayed: 1, unauthentic: 1 },
      { packets: 40, lost: 0, replayed: 0, unauthentic: 1 },
    ])
    for (const { keySalt } of keys) {
      expect(journal.some((segment) => segment.includes(Buffer.from(keySalt)))).toBe(false)
      expect(journal.some((segment) => segment.includes(Buffer.from(keySalt).toString('base64')))).toBe(false)
    }
    one.close()
    other.close()
  })
})
