import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'

/** Where the walk goes, as whom, and with what audio. */
export interface WalkOptions {
  readonly url: string
  readonly projectId: string
  readonly token: string
  /** A µ-law stereo WAV of two people talking. */
  readonly call: Uint8Array
  /** Called with one line for each step that held. */
  readonly tell: (line: string) => void
}

type Json = Record<string, unknown>

const LEG_ID = 'c1d2e3f4-0a1b-4c2d-8e3f-405162738495'
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A request to the server, with credentials. */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>
export type Tell = WalkOptions['tell']

/** Asks one server as one project. */
export const asking =
  ({ url, projectId, token }: Pick<WalkOptions, 'url' | 'projectId' | 'token'>): Ask =>
  (path, init = {}) => {
    const authorization = `Basic ${Buffer.from(`${projectId}:${token}`).toString('base64')}`
    return fetch(new URL(path, url), {
      ...init,
      headers: { authorization, ...(init.headers as Record<string, string>) },
    })
  }

/** One recording's whole life over HTTP, every answer checked. Throws an AssertionError at the first that is wrong. */
export const walkTheApi = async (options: WalkOptions): Promise<void> => {
  const { call, tell } = options
  const ask = asking(options)
  const recording = await upload(ask, call, tell)
  await fetchByApi(ask, recording, tell)
  await playBack(recording, call, tell)
  await remove(ask, recording, tell)
}

const upload = async (ask: Ask, call: Uint8Array, tell: Tell): Promise<Json> => {
  const response = await ask(`/v1/recordings?leg_type=sip&leg_id=${LEG_ID}&track=both`, {
    method: 'POST',
    headers: { 'content-type': 'audio/wav' },
    body: Buffer.from(call),
  })
  assert.equal(response.status, 201, await response.clone().text())
  const recording = (await response.json()) as Json
  assert.equal(recording.byte_size, call.length)
  tell(
    `POST /v1/recordings           201  ${call.length} bytes of speech, ${recording.duration_in_seconds} s, stereo ${recording.stereo}`,
  )
  return recording
}

const fetchByApi = async (ask: Ask, recording: Json, tell: Tell): Promise<void> => {
  const path = `/api/relay/rest/recordings/${recording.id}`
  const response = await ask(path)
  assert.equal(response.status, 200)
  const found = (await response.json()) as Json
  assert.deepEqual(found, recording)
  assert.equal(found.relay_sip_leg_id, LEG_ID)
  assert.equal(found.status, 'completed')
  tell(
    `GET  ${path.slice(0, 21)}…/{id}    200  the contract's JSON:\n${JSON.stringify(found, null, 2).replace(/^/gm, '       ')}`,
  )

  const list = (await (await ask('/api/relay/rest/recordings')).json()) as { data: Json[] }
  assert.deepEqual(list.data, [recording])
  tell('GET  /api/relay/rest/recordings   200  lists it')

  const anonymous = await fetch(new URL(path, recording.url as string))
  assert.equal(anonymous.status, 401)
  assert.deepEqual(await anonymous.json(), { error: 'Unauthorized' })
  tell('…without credentials         401')
}

const playBack = async (recording: Json, call: Uint8Array, tell: Tell): Promise<void> => {
  const url = recording.url as string
  const whole = await fetch(url)
  assert.equal(sha256(await whole.bytes()), sha256(call))
  tell('GET  {url}                    200  the same bytes')

  const part = await fetch(url, { headers: { range: 'bytes=-1000' } })
  assert.equal(part.status, 206)
  assert.deepEqual(Buffer.from(await part.bytes()), Buffer.from(call.subarray(-1000)))
  tell('GET  {url}, last 1000 bytes   206')

  const mp3 = await fetch(url.replace('.wav?', '.mp3?'))
  assert.equal(mp3.status, 200)
  assert.equal(mp3.headers.get('content-type'), 'audio/mpeg')
  tell(`GET  {url} as .mp3            200  ${(await mp3.bytes()).length} bytes, derived now and cached`)
}

const remove = async (ask: Ask, recording: Json, tell: Tell): Promise<void> => {
  const path = `/api/relay/rest/recordings/${recording.id}`
  assert.equal((await ask(path, { method: 'DELETE' })).status, 204)
  assert.equal((await ask(path)).status, 404)
  assert.equal((await fetch(recording.url as string)).status, 404)
  tell('DELETE …/{id}                204  row and audio are gone')
}
