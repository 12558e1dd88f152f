import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallDetails } from '../../src/domain/call-details.ts'
import type { Recording } from '../../src/domain/recording.ts'
import { DETAILED_RECORDING_SCHEMA } from '../../src/edges/calls/details-schema.ts'
import { registerCalls } from '../../src/edges/calls/routes.ts'
import { RecordingFormatter } from '../../src/edges/http/format-recording.ts'
import { ALL_BUT_CALLING, aRecordingsApi, validatorOf } from '../builders/recordings-api.ts'
import { aLiveRecording, aProject, aRecording, someCallDetails } from '../builders/values.ts'

const PUBLIC_URL = 'https://recordings.example.com'
const [project, stranger] = [aProject({ protectRecordings: true }), aProject()]
const { app, catalogue, services, playback, authorizationFor } = aRecordingsApi()
const isDetailed = validatorOf(DETAILED_RECORDING_SCHEMA)
let authorization: string

beforeAll(async () => {
  for (const each of [project, stranger]) await catalogue.createProject(each)
  authorization = await authorizationFor(project.id, ['calling'])
  registerCalls(app, { services, formatter: new RecordingFormatter(playback, 'rest'), publicUrl: PUBLIC_URL })
  await app.ready()
})
afterAll(() => app.close())

const get = (id: string, headers: Record<string, string> = { authorization }) =>
  app.inject({ method: 'GET', url: `/v1/recordings/${id}`, headers })

const stored = async (recording: Recording, details?: CallDetails) => {
  await catalogue.createRecording(recording, details)
  const answer = await get(recording.id)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  const body = answer.json() as Record<string, unknown>
  expect([isDetailed(body), isDetailed.errors]).toEqual([true, null])
  return body
}

const relayFields = (recording: Recording) => ({
  id: recording.id,
  project_id: project.id,
  created_at: '2025-10-09T08:53:20Z',
  updated_at: '2025-10-09T08:53:21Z',
  price_unit: 'USD',
  url: `${PUBLIC_URL}/files/${project.id}/recordings/${recording.id}.wav`,
  relay_sip_leg_id: recording.leg.id,
  stereo: false,
})

describe('GET /v1/recordings/{id}', () => {
  it('has the relay fields and the exact ones of a stored recording, and no call', async () => {
    const recording = aRecording(project.id, { durationMs: 1499, errorCode: 'recovered' })
    expect(await stored(recording)).toEqual({
      ...relayFields(recording),
      duration_in_seconds: 1,
      error_code: 'recovered',
      price: 0.0125,
      status: 'completed',
      byte_size: 16_044,
      track: 'both',
      duration_ms: 1499,
      codec: 'pcm_s16le',
      sample_rate_hz: 8000,
      channels: 1,
      format: 'wav',
      sha256: recording.media?.sha256,
    })
  })

  it('has the call and its quality of one that was live', async () => {
    const trunkId = randomUUID()
    const details = someCallDetails({
      trunkId,
      from: '"Zoë \\"x\\"" <sip:zoe@example.com>',
      startedAtMs: 1_760_000_000_007,
    })
    const recording = aRecording(project.id)
    const { call, quality } = await stored(recording, details)
    expect(call).toEqual({
      trunk_id: trunkId,
      call_id: details.callId,
      from: '"Zoë \\"x\\"" <sip:zoe@example.com>',
      to: '<sip:record@example.com>',
      started_at: '2025-10-09T08:53:20.007Z',
      answered_at: '2025-10-09T08:53:21.000Z',
      ended_at: '2025-10-09T08:53:22.000Z',
      end_reason: 'hangup',
    })
    expect(quality).toEqual({
      streams: [
        {
          codec: 'PCMU',
          packets: 48,
          lost: 2,
          late: 1,
          duplicated: 0,
          jitter_ms: 0.25,
          jitter_max_ms: 1.5,
          ssrc_changes: 0,
          strangers: 0,
          invalid: 0,
          gap_count: 1,
          gap_ms: 40,
        },
      ],
      gaps: [{ start_ms: 500, duration_ms: 40 }],
    })
  })

  it('tells the streams of a session apart, and what SRTP refused', async () => {
    const [quality] = someCallDetails().streams
    if (!quality) throw new Error('no stream')
    const left = { ...quality, label: '1', channel: 0, unauthentic: 3, replayed: 0 }
    const gaps = [
      { startMs: 500, durationMs: 40, stream: 1 },
      { startMs: 700, durationMs: 20 },
    ]
    const details = someCallDetails({ streams: [left, { ...quality, channel: 1 }], gaps })
    const { quality: shown } = await stored(aRecording(project.id), details)
    expect(shown).toMatchObject({
      streams: [{ label: '1', channel: 0, unauthentic: 3, replayed: 0 }, { channel: 1 }],
      gaps: [
        { start_ms: 500, duration_ms: 40, stream: 1 },
        { start_ms: 700, duration_ms: 20 },
      ],
    })
    const [, second] = (shown as { streams: object[] }).streams
    for (const name of ['label', 'unauthentic', 'replayed']) expect(second).not.toHaveProperty(name)
  })

  it('leaves out of one in progress what is not known yet', async () => {
    const { answeredAtMs: _1, endedAtMs: _2, endReason: _3, ...begun } = someCallDetails({ streams: [], gaps: [] })
    const recording = aLiveRecording(project.id)
    expect(await stored(recording, begun)).toEqual({
      ...relayFields(recording),
      duration_in_seconds: 0,
      price: 0,
      status: 'recording',
      track: 'inbound',
      duration_ms: 0,
      codec: 'pcm_s16le',
      sample_rate_hz: 8000,
      channels: 1,
      format: 'wav',
      call: { call_id: begun.callId, from: begun.from, to: begun.to, started_at: '2025-10-09T08:53:20.000Z' },
      quality: { streams: [], gaps: [] },
    })
  })

  it('has nothing of media where there is none', async () => {
    const { media: _none, ...recording } = aRecording(project.id, { status: 'no_input', durationMs: 0, price: 0 })
    const body = await stored(recording, someCallDetails({ endReason: 'media_timeout' }))
    expect(body).toMatchObject({ status: 'no_input', duration_ms: 0, call: { end_reason: 'media_timeout' } })
    for (const name of ['byte_size', 'codec', 'sample_rate_hz', 'channels', 'format', 'sha256'])
      expect(body).not.toHaveProperty(name)
  })

  it('is for who may, and tells nobody of what is not theirs', async () => {
    const recording = aRecording(project.id)
    await stored(recording)
    const wrongPermission = await authorizationFor(project.id, ALL_BUT_CALLING)
    const wrongProject = await authorizationFor(stranger.id, ['calling'])
    const answers = [
      await get(recording.id, {}),
      await get(recording.id, { authorization: wrongPermission }),
      await get('nonsense', {}),
      await get(recording.id, { authorization: wrongProject }),
      await get(randomUUID()),
      await get(recording.id.toUpperCase()),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 404, 404, 200])
    for (const answer of answers.slice(0, 3)) expect(answer.json()).toEqual({ error: 'Unauthorized' })
    for (const answer of answers.slice(3, 5)) expect(answer.json()).toEqual({ error: 'Not Found' })
    expect(answers[0]?.headers['www-authenticate']).toBe('Basic realm="Poulsen"')
  })

  it('says what is wrong with an id', async () => {
    const answer = await get('nonsense')
    expect([answer.statusCode, answer.json()]).toEqual([
      422,
      { errors: [{ detail: 'Id is not a valid UUID', status: '422', title: 'Invalid Attribute', code: 'ID_INVALID' }] },
    ])
  })
})
