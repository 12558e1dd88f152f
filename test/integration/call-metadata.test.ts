import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MetadataVersion } from '../../src/domain/session-metadata.ts'
import { registerMetadata } from '../../src/edges/calls/metadata-routes.ts'
import { METADATA_SCHEMA } from '../../src/edges/calls/metadata-schema.ts'
import { ALL_BUT_CALLING, aRecordingsApi, validatorOf } from '../builders/recordings-api.ts'
import { aCallBetweenTwo, CALL, contributes, rsUuidText, rsXml, takesPart } from '../builders/rs-metadata.ts'
import { aLiveRecording, aProject, someCallDetails } from '../builders/values.ts'

const START = Date.UTC(2026, 10, 20, 9)
const [project, stranger] = [aProject(), aProject()]
const { app, catalogue, services, authorizationFor } = aRecordingsApi()
const isMetadata = validatorOf(METADATA_SCHEMA)
let authorization: string

beforeAll(async () => {
  for (const each of [project, stranger]) await catalogue.createProject(each)
  authorization = await authorizationFor(project.id, ['calling'])
  registerMetadata(app, services)
  await app.ready()
})
afterAll(() => app.close())

const get = (path: string, headers: Record<string, string> = { authorization }) =>
  app.inject({ method: 'GET', url: `/v1/recordings/${path}`, headers })

const version = (xml: Uint8Array, seconds: number): MetadataVersion => ({
  receivedAtMs: START + seconds * 1000,
  contentType: 'application/rs-metadata+xml;charset=utf-8',
  xml,
})

/** The id of a recording with these documents. */
const recordedWith = async (...versions: readonly MetadataVersion[]): Promise<string> => {
  const recording = aLiveRecording(project.id)
  await catalogue.createRecording(recording, someCallDetails())
  for (const each of versions) await catalogue.appendMetadata(project.id, recording.id, each)
  return recording.id
}

const read = async (id: string) => {
  const answer = await get(`${id}/metadata`)
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
  const body = answer.json() as Record<string, unknown>
  expect([isMetadata(body), isMetadata.errors]).toEqual([true, null])
  return body
}

const SNAPSHOT = rsXml(aCallBetweenTwo('2026-11-20T09:00:00Z'))
const HOLD = rsXml([contributes(CALL.caller, { recv: [CALL.fromCallee] })], 'partial')
const LEFT = rsXml([takesPart(CALL.callee, CALL.session, { to: '2026-11-20T09:00:30.5Z' })], 'partial')

describe('GET /v1/recordings/{id}/metadata', () => {
  it('is what the documents say, one upon the other', async () => {
    const id = await recordedWith(version(SNAPSHOT, 0.25), version(HOLD, 10), version(LEFT, 31))
    const [start, held, left] = ['2026-11-20T09:00:00.000Z', '2026-11-20T09:00:10.000Z', '2026-11-20T09:00:30.500Z']
    const told = '2026-11-20T09:00:00.250Z'
    const [caller, callee] = [CALL.caller, CALL.callee].map((participant_id) => ({ participant_id }))
    const [fromCaller, fromCallee] = [CALL.fromCaller, CALL.fromCallee].map((stream_id) => ({ stream_id }))
    expect(await read(id)).toEqual({
      recording_id: id,
      groups: [{ id: CALL.group, uuid: rsUuidText(1), started_at: start }],
      sessions: [
        { id: CALL.session, uuid: rsUuidText(2), group_id: CALL.group, sip_session_ids: [], started_at: start },
      ],
      participants: [
        {
          id: CALL.caller,
          uuid: rsUuidText(11),
          names: [{ aor: 'sip:anna@example.com', name: 'Anna' }],
          started_at: told,
        },
        {
          id: CALL.callee,
          uuid: rsUuidText(12),
          names: [{ aor: 'sip:bert@example.com', name: 'Bert' }],
          started_at: told,
          ended_at: left,
        },
      ],
      streams: [
        { id: CALL.fromCaller, uuid: rsUuidText(21), session_id: CALL.session, label: '96', started_at: told },
        { id: CALL.fromCallee, uuid: rsUuidText(22), session_id: CALL.session, label: '97', started_at: told },
      ],
      session_recordings: [{ session_id: CALL.session, started_at: start }],
      participant_sessions: [
        { ...caller, session_id: CALL.session, started_at: start },
        { ...callee, session_id: CALL.session, started_at: start, ended_at: left },
      ],
      participant_streams: [
        { ...caller, ...fromCaller, direction: 'send', started_at: start, ended_at: held },
        { ...caller, ...fromCallee, direction: 'recv', started_at: start },
        { ...callee, ...fromCallee, direction: 'send', started_at: start, ended_at: left },
        { ...callee, ...fromCaller, direction: 'recv', started_at: start, ended_at: left },
      ],
      problems: [],
      history: [
        { sequence: 1, received_at: told, mode: 'complete', byte_size: SNAPSHOT.length },
        { sequence: 2, received_at: held, mode: 'partial', byte_size: HOLD.length },
        { sequence: 3, received_at: '2026-11-20T09:00:31.000Z', mode: 'partial', byte_size: LEFT.length },
      ],
    })
  })

  it('says why a document cannot be read, and goes on with the next', async () => {
    const bomb = new TextEncoder().encode('<!DOCTYPE r [<!ENTITY a "a">]><recording>&a;</recording>')
    const dangling = rsXml([takesPart(CALL.caller, 'elsewhere', {}, '<param pname="isfocus" pval=""/>')], 'partial')
    const id = await recordedWith(version(bomb, 0), version(SNAPSHOT, 1), version(dangling, 2))
    const body = await read(id)
    expect(body).toMatchObject({
      streams: [{ label: '96' }, { label: '97' }],
      participant_sessions: [{}, {}, { session_id: 'elsewhere', params: [{ name: 'isfocus', value: '' }] }],
      problems: ['a session that is not known: elsewhere'],
    })
    expect(body.history).toEqual([
      {
        sequence: 1,
        received_at: '2026-11-20T09:00:00.000Z',
        byte_size: bomb.length,
        reason: 'a document type is not allowed',
      },
      { sequence: 2, received_at: '2026-11-20T09:00:01.000Z', mode: 'complete', byte_size: SNAPSHOT.length },
      { sequence: 3, received_at: '2026-11-20T09:00:02.000Z', mode: 'partial', byte_size: dangling.length },
    ])
  })

  it('reads many documents', async () => {
    const id = await recordedWith(...Array.from({ length: 200 }, (_, index) => version(SNAPSHOT, index)))
    const { history, participant_streams } = await read(id)
    expect([(history as unknown[]).length, (participant_streams as unknown[]).length]).toEqual([200, 4])
  })
})

describe('GET /v1/recordings/{id}/metadata.xml', () => {
  it('is the newest document, or another, byte for byte', async () => {
    const odd = new Uint8Array([0xff, 0xfe, 0x3c, 0x00, 0x80])
    const id = await recordedWith(version(SNAPSHOT, 0), version(HOLD, 1), version(odd, 2))
    const newest = await get(`${id}/metadata.xml`)
    expect(newest.headers).toMatchObject({
      'content-type': 'application/rs-metadata+xml',
      'content-length': '5',
      'content-disposition': `attachment; filename="${id}.xml"`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    })
    const bytes = [newest, await get(`${id}/metadata.xml?sequence=1`), await get(`${id}/metadata.xml?sequence=2`)]
    expect(bytes.map(({ statusCode, rawPayload }) => [statusCode, new Uint8Array(rawPayload)])).toEqual([
      [200, odd],
      [200, SNAPSHOT],
      [200, HOLD],
    ])
  })

  it.each(['0', '-1', '1.5', 'one', '', '99999', '1&sequence=2'])('says that %j is no sequence', async (sequence) => {
    const id = await recordedWith(version(SNAPSHOT, 0))
    const answer = await get(`${id}/metadata.xml?sequence=${sequence}`)
    expect([answer.statusCode, answer.json()]).toMatchObject([422, { errors: [{ code: 'QUERY_INVALID' }] }])
  })

  it('has no document that never came', async () => {
    const id = await recordedWith(version(SNAPSHOT, 0))
    const answer = await get(`${id}/metadata.xml?sequence=2`)
    expect([answer.statusCode, answer.json()]).toEqual([404, { error: 'Not Found' }])
  })
})

describe.each(['metadata', 'metadata.xml'])('GET /v1/recordings/{id}/%s', (name) => {
  it('is for who may, and tells nobody of what is not theirs', async () => {
    const id = await recordedWith(version(SNAPSHOT, 0))
    const wrongPermission = await authorizationFor(project.id, ALL_BUT_CALLING)
    const wrongProject = await authorizationFor(stranger.id, ['calling'])
    const answers = [
      await get(`${id}/${name}`, {}),
      await get(`${id}/${name}`, { authorization: wrongPermission }),
      await get(`nonsense/${name}`, {}),
      await get(`${id}/${name}`, { authorization: wrongProject }),
      await get(`${randomUUID()}/${name}`),
      await get(`${await recordedWith()}/${name}`),
      await get(`${id.toUpperCase()}/${name}`),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 404, 404, 404, 200])
    for (const answer of answers.slice(0, 3)) expect(answer.json()).toEqual({ error: 'Unauthorized' })
    for (const answer of answers.slice(3, 6)) expect(answer.json()).toEqual({ error: 'Not Found' })
  })

  it('says what is wrong with an id', async () => {
    const answer = await get(`nonsense/${name}?sequence=x`)
    expect([answer.statusCode, answer.json()]).toMatchObject([422, { errors: [{ code: 'ID_INVALID' }] }])
  })
})
