import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PoulsenError } from '../../src/domain/errors.ts'
import type { MediaObject } from '../../src/domain/media-object.ts'
import type { Recording } from '../../src/domain/recording.ts'
import { registerDocumentation } from '../../src/edges/http/documentation.ts'
import { RecordingFormatter } from '../../src/edges/http/format-recording.ts'
import { buildHttpServer } from '../../src/edges/http/server.ts'
import { registerMedia } from '../../src/edges/media/routes.ts'
import { recordingLane } from '../../src/edges/relay-rest/recording-lane.ts'
import { registerRelayRest } from '../../src/edges/relay-rest/routes.ts'
import { Access, digestOf } from '../../src/services/access.ts'
import { Derivations } from '../../src/services/derivations.ts'
import { Playback } from '../../src/services/playback.ts'
import { Projects } from '../../src/services/projects.ts'
import { Recordings } from '../../src/services/recordings.ts'
import type { Services } from '../../src/services/services.ts'
import { Whereabouts } from '../../src/services/whereabouts.ts'
import { Client, send } from '../acceptance/support/client.ts'
import { makeCredentials } from '../acceptance/support/server.ts'
import { aClock, aTelemetry, ids } from '../builders/services.ts'
import { aGrowingRecording, aProject, aToken } from '../builders/values.ts'
import { put } from '../contract/media-store.contract.ts'
import { MemoryCatalogue } from '../fakes/memory-catalogue.ts'
import { MemoryLiveRecordings } from '../fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../fakes/memory-media-store.ts'
import { ToyTranscoder } from '../fakes/toy-transcoder.ts'

const RECORDINGS = '/api/relay/rest/recordings'
const credentials = makeCredentials()
const project = aProject({ id: credentials.projectId })
const clock = aClock()
const catalogue = new MemoryCatalogue()
const mediaStore = new MemoryMediaStore()
const live = new MemoryLiveRecordings()
/** Requests that the lane left to the routes. */
let pastTheLane = 0
let app: FastifyInstance
let client: Client

/** The read paths of a server as `serve` wires them, over fakes. */
const buildApp = async (): Promise<FastifyInstance> => {
  const ports = { catalogue, mediaStore, cache: new MemoryMediaStore(), live, clock, ids, telemetry: aTelemetry() }
  const derivations = new Derivations({ ...ports, transcoder: new ToyTranscoder(), cacheMaxBytes: 1000 })
  const access = new Access(ports)
  const playback = new Playback({ ...ports, derivations })
  const recordings = new Recordings({ ...ports, derivations })
  const projects = new Projects({ ...ports, access })
  const whereabouts = new Whereabouts({ landing: mediaStore })
  const services = { access, playback, recordings, projects, whereabouts } as unknown as Services
  const formatter = new RecordingFormatter(playback, 'rest')
  const common = { onRequestEnded: () => {}, isStopping: () => false }
  const publicUrl = undefined
  const lane = recordingLane({ ...common, services, formatter, publicUrl, hasTrustedProxies: false })
  const made = buildHttpServer({
    ...common,
    logger: pino({ level: 'silent' }),
    trustedProxies: undefined,
    tls: undefined,
    lane: (request, response, next) =>
      lane(request, response, () => {
        pastTheLane += 1
        next()
      }),
  })
  await registerDocumentation(made, '0')
  made.after(() => {
    registerRelayRest(made, { services, formatter, publicUrl })
    registerMedia(made, services)
  })
  return made
}

beforeAll(async () => {
  await catalogue.createProject(project)
  await catalogue.createToken(aToken(project.id, { digest: digestOf(credentials.token) }))
  app = await buildApp()
  await app.listen({ host: '127.0.0.1', port: 0 })
  client = new Client(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, credentials)
})
afterAll(() => app.close())

const aCall = async (audio: string, media: Partial<MediaObject> = {}): Promise<Recording> => {
  const call = aGrowingRecording(project.id)
  const recording = { ...call, media: { ...(call.media as MediaObject), ...media } }
  await catalogue.createRecording(recording)
  live.grow(recording.id, Buffer.from(audio))
  return recording
}

const hangUp = async (recording: Recording): Promise<void> => {
  const bytes = live.end(recording.id)
  const media = { ...(recording.media as MediaObject), byteSize: bytes.length, durationMs: 3000 }
  await put(mediaStore, media.key, bytes)
  const updatedAtMs = clock.nowMs()
  await catalogue.settleRecording({ ...recording, status: 'completed', durationMs: 3000, updatedAtMs, media })
}

const pathOf = async ({ id }: Recording): Promise<string> => {
  const { pathname, search } = new URL((await client.get(`${RECORDINGS}/${id}`)).json.url as string)
  return pathname + search
}
const play = async (recording: Recording, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  send(client.url, { method, path: await pathOf(recording), headers })

describe('the API, of a recording in progress', () => {
  it('says so, with what is known, the same from the lane, the route and the list', async () => {
    const recording = await aCall('hello', { channels: 2 })
    const path = `${RECORDINGS}/${recording.id}`
    const [first, byLane] = [await client.get(path), await client.get(path)]
    const before = pastTheLane
    await client.get(path)
    expect(pastTheLane).toBe(before)
    // A length makes it a request with a body, which the lane does not take.
    const byRoute = await client.get(path, { 'content-length': '0' })
    expect(pastTheLane).toBe(before + 1)
    expect(byLane.bytes).toEqual(byRoute.bytes)
    expect(first.bytes).toEqual(byRoute.bytes)
    expect((await client.get(`${RECORDINGS}?page_size=1`)).json.data).toEqual([byRoute.json])
    expect(byRoute.json).toEqual({
      id: recording.id,
      project_id: project.id,
      created_at: '2025-10-09T08:53:20Z',
      updated_at: '2025-10-09T08:53:21Z',
      duration_in_seconds: 0,
      price: 0,
      price_unit: 'USD',
      status: 'recording',
      url: `${client.url}${await pathOf(recording)}`,
      stereo: true,
      track: 'both',
      relay_sip_leg_id: recording.leg.id,
    })
  })

  it('has its size once it has ended, and the same URL', async () => {
    const recording = await aCall('hello')
    const during = (await client.get(`${RECORDINGS}/${recording.id}`)).json
    expect(during).not.toHaveProperty('byte_size')
    await hangUp(recording)
    const after = (await client.get(`${RECORDINGS}/${recording.id}`)).json
    expect(after).toMatchObject({ status: 'completed', byte_size: 5, duration_in_seconds: 3, url: during.url })
  })

  it('ends and removes it', async () => {
    const recording = await aCall('hello')
    const path = await pathOf(recording)
    expect((await client.ask({ method: 'DELETE', path: `${RECORDINGS}/${recording.id}` })).status).toBe(204)
    expect(live.discarded).toContain(recording.id)
    expect((await client.get(`${RECORDINGS}/${recording.id}`)).status).toBe(404)
    expect((await send(client.url, { path })).status).toBe(404)
  })
})

describe('the url of a recording in progress', () => {
  it('gives what is there now, with exact headers, the same for HEAD', async () => {
    const recording = await aCall('hello')
    const whole = await play(recording)
    expect([whole.status, whole.bytes.toString()]).toEqual([200, 'hello'])
    const headers = {
      'content-type': 'audio/wav',
      'content-length': '5',
      'accept-ranges': 'bytes',
      'last-modified': new Date(clock.nowMs()).toUTCString(),
      etag: expect.stringMatching(/^"live-[\w-]+"$/),
    }
    expect(whole.headers).toMatchObject(headers)
    const head = await play(recording, {}, 'HEAD')
    expect([head.status, head.bytes.length]).toEqual([200, 0])
    expect(head.headers).toMatchObject({ ...headers, etag: whole.headers.etag })
    live.grow(recording.id, Buffer.from(' world'))
    const more = await play(recording)
    expect([more.bytes.toString(), more.headers['content-length']]).toEqual(['hello world', '11'])
    expect(more.headers.etag).not.toBe(whole.headers.etag)
  })

  it.each([
    ['bytes=0-1', 206, 'he', 'bytes 0-1/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=2-99', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=5-', 416, undefined, 'bytes */5'],
  ])('gives Range: %s with %i', async (range, status, body, contentRange) => {
    const answer = await play(await aCall('hello'), { range })
    expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange])
    if (body !== undefined) expect(answer.bytes.toString()).toBe(body)
  })

  it('has conditions that only its tag can meet: a date is too coarse for what grows', async () => {
    const recording = await aCall('hello')
    const { etag = '', 'last-modified': modified = '' } = (await play(recording)).headers
    const future = new Date(clock.nowMs() + 3_600_000).toUTCString()
    const cases: readonly [Record<string, string>, number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': '"live-x"' }, 200],
      [{ 'if-modified-since': modified }, 200],
      [{ 'if-modified-since': future }, 200],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '"live-x"' }, 412],
      [{ 'if-unmodified-since': modified }, 412],
      [{ range: 'bytes=0-1', 'if-range': etag }, 206],
      [{ range: 'bytes=0-1', 'if-range': modified }, 200],
    ]
    for (const [condition, status] of cases)
      expect((await play(recording, condition)).status, JSON.stringify(condition)).toBe(status)
    live.grow(recording.id, Buffer.from(' world'))
    expect((await play(recording, { range: 'bytes=5-', 'if-range': etag })).bytes.toString()).toBe('hello world')
  })

  it('is in another format there only when it has ended, and says so', async () => {
    const recording = await aCall('hello')
    const path = (await pathOf(recording)).replace('.wav', '.mp3')
    const early = await send(client.url, { path })
    const [error] = early.json.errors as Record<string, string>[]
    expect(early.status).toBe(404)
    expect(error).toEqual({
      status: '404',
      title: 'Not Found',
      code: 'MEDIA_NOT_FOUND',
      detail: expect.stringContaining('in progress'),
    })
    await hangUp(recording)
    expect((await send(client.url, { path })).bytes.toString().trim()).toBe('mp3 of hello')
  })

  it('is not there when a crash left it in progress', async () => {
    const recording = await aCall('hello')
    live.end(recording.id)
    const answer = await play(recording)
    expect([answer.status, answer.json.errors]).toEqual([404, [expect.objectContaining({ code: 'MEDIA_NOT_FOUND' })]])
  })

  it('is for nobody without its signature or a token', async () => {
    const path = (await pathOf(await aCall('hello'))).split('?')[0] ?? ''
    for (const each of [path, `${path}?sig=${'A'.repeat(22)}`]) {
      expect((await send(client.url, { path: each })).status).toBe(401)
    }
    expect((await client.get(path)).bytes.toString()).toBe('hello')
  })

  it('is the finished audio at once when it ends between the look at its row and at its audio', async () => {
    const recording = await aCall('hello')
    const path = await pathOf(recording)
    const open = live.open.bind(live)
    live.open = async (id) => {
      live.open = open
      await hangUp(recording)
      return open(id)
    }
    const answer = await send(client.url, { path })
    expect([answer.status, answer.bytes.toString()]).toEqual([200, 'hello'])
    expect(answer.headers.etag).toMatch(/^"[0-9a-f]{32}"$/)
  })

  it.each([
    ['before its row is final', 'bytes=1-2', 'el', 'bytes 1-2/5'],
    ['and is whole, if its tag was asked for', 'bytes=1-2', 'hello', undefined],
  ])('is the finished audio when it ends between the look at its growing file and the reading, %s', async (what, range, body, contentRange) => {
    const recording = await aCall('hello')
    const [path, { etag = '' }] = [await pathOf(recording), (await play(recording)).headers]
    const open = live.open.bind(live)
    live.open = async (id) => {
      live.open = open
      const found = await open(id)
      const read = async () => {
        await put(mediaStore, recording.media?.key ?? '', live.end(id))
        throw new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'gone' })
      }
      return found && { ...found, read }
    }
    const headers = { range, ...(what.startsWith('and') && { 'if-range': etag }) }
    const answer = await send(client.url, { path, headers })
    expect([answer.bytes.toString(), answer.headers['content-range']]).toEqual([body, contentRange])
    expect(answer.headers).toMatchObject({
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      'content-length': `${body.length}`,
    })
  })

  it('cuts the connection rather than give a part for the whole', async () => {
    const recording = await aCall('hello')
    const path = await pathOf(recording)
    const open = live.open.bind(live)
    live.open = async (id) => {
      live.open = open
      const found = await open(id)
      return found && { ...found, read: async () => broken() }
    }
    await expect(send(client.url, { path })).rejects.toThrow()
  })
})

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('he')
  throw new PoulsenError({ code: 'MEDIA_UNAVAILABLE', kind: 'unavailable', message: 'a fault of the test' })
}
