import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer({ POULSEN_UPLOAD_MAX_BYTES: '1000000' })

const FILES = [
  ['mulaw-stereo-8k.wav', 'audio/wav', 'wav', 1, true],
  ['cbr-info-44k.mp3', 'audio/mpeg', 'mp3', 1, false],
  ['opus-stereo.ogg', 'audio/ogg', 'ogg', 1, true],
] as const

const formOf = (...parts: readonly (readonly [name: string, file: string | undefined, body: Uint8Array])[]) => {
  const boundary = 'xxBOUNDARYxx'
  const chunks = parts.flatMap(([name, file, body]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file ? `; filename="${file}"` : ''}\r\n\r\n`,
    ),
    body,
    Buffer.from('\r\n'),
  ])
  return {
    body: Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }
}

describe.each(FILES)('%s', (name, type, extension, seconds, stereo) => {
  const bytes = readFileSync(`test/golden/audio/${name}`)
  const ways = {
    POST: () => suite.client.upload(bytes, '', { 'content-type': type }),
    PUT: () => suite.client.ask({ method: 'PUT', path: `/v1/recordings/${randomUUID()}`, body: bytes }),
    'a form': () => {
      const { body, headers } = formOf(['note', undefined, Buffer.from('hello')], ['file', name, bytes])
      return suite.client.upload(body, '', headers)
    },
  }

  it.each(Object.keys(ways) as (keyof typeof ways)[])('goes in by %s and comes out the same', async (way) => {
    const answer = await ways[way]()
    expect(answer.status, answer.bytes.toString()).toBe(201)
    expect(answer.headers.location).toBe(`/api/relay/rest/recordings/${answer.json.id}`)
    expect(answer.json).toMatchObject({
      duration_in_seconds: seconds,
      stereo,
      byte_size: bytes.length,
      status: 'completed',
    })
    const url = new URL(answer.json.url as string)
    expect(url.pathname.endsWith(`.${extension}`)).toBe(true)
    const media = await suite.client.get(url.pathname + url.search, { authorization: '' })
    expect(media.headers['content-type']).toBe(type)
    expect(media.bytes.equals(bytes)).toBe(true)
  })
})

describe('PUT', () => {
  it('is idempotent for the same bytes and refuses others, also when they race', async () => {
    const path = `/v1/recordings/${randomUUID()}`
    const put = (body: Buffer) => suite.client.ask({ method: 'PUT', path, body })
    const same = await Promise.all(Array.from({ length: 6 }, () => put(wavOf(1, 50_000))))
    expect(same.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201])
    for (const { json } of same) expect(json).toEqual(same[0]?.json)
    const other = await put(wavOf(2, 50_000))
    expect([other.status, (other.json.errors as { code: string }[])[0]?.code]).toEqual([409, 'RECORDING_EXISTS'])
    const { url } = same[0]?.json ?? {}
    const media = await suite.client.get(new URL(url as string).pathname)
    expect(media.bytes.equals(wavOf(1, 50_000))).toBe(true)
  })

  it('may use an id again after DELETE', async () => {
    const id = randomUUID()
    const put = (seed: number) =>
      suite.client.ask({ method: 'PUT', path: `/v1/recordings/${id}`, body: wavOf(seed, 500) })
    expect((await put(1)).status).toBe(201)
    await suite.client.ask({ method: 'DELETE', path: `/api/relay/rest/recordings/${id}` })
    expect((await put(2)).status).toBe(201)
  })
})

describe('refusals', () => {
  const tooLarge = wavOf(1, 1_000_002)
  const form = formOf(['a', 'a.wav', wavOf(1, 500)], ['b', 'b.wav', wavOf(2, 500)])
  const cases: readonly [
    name: string,
    body: Uint8Array,
    query: string,
    headers: Record<string, string>,
    number,
    string,
  ][] = [
    ['text', Buffer.from('hello, world, this is text'), '', {}, 422, 'AUDIO_NOT_RECOGNISED'],
    ['nothing', Buffer.alloc(0), '', {}, 422, 'AUDIO_NOT_RECOGNISED'],
    ['a cut WAV', wavOf(1, 5000).subarray(0, 4000), '', {}, 422, 'AUDIO_DAMAGED'],
    ['FLAC in Ogg', readFileSync('test/golden/audio/flac.ogg'), '', {}, 422, 'AUDIO_CODEC_UNSUPPORTED'],
    [
      'a form type',
      wavOf(1, 500),
      '',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'UPLOAD_TYPE_UNSUPPORTED',
    ],
    ['JSON', Buffer.from('{}'), '', { 'content-type': 'application/json' }, 415, 'UPLOAD_TYPE_UNSUPPORTED'],
    ['a type that is none', wavOf(1, 500), '', { 'content-type': 'audio' }, 415, 'UPLOAD_TYPE_UNSUPPORTED'],
    ['a form with two files', form.body, '', form.headers, 422, 'UPLOAD_FORM_INVALID'],
    [
      'a form without a file',
      formOf(['a', undefined, Buffer.from('x')]).body,
      '',
      form.headers,
      422,
      'UPLOAD_FORM_INVALID',
    ],
    [
      'a form without a boundary',
      form.body,
      '',
      { 'content-type': 'multipart/form-data; charset=utf-8' },
      422,
      'UPLOAD_FORM_INVALID',
    ],
    ['a form that is cut', form.body.subarray(0, 300), '', form.headers, 422, 'UPLOAD_FORM_INVALID'],
    ['too much', tooLarge, '', {}, 413, 'UPLOAD_TOO_LARGE'],
    ['an unknown leg type', wavOf(1, 500), '?leg_type=isdn', {}, 422, 'QUERY_INVALID'],
    ['a leg id that is none', wavOf(1, 500), '?leg_id=1', {}, 422, 'QUERY_INVALID'],
    ['two leg ids', wavOf(1, 500), `?leg_id=${randomUUID()}&leg_id=${randomUUID()}`, {}, 422, 'QUERY_INVALID'],
    ['an unknown track', wavOf(1, 500), '?track=left', {}, 422, 'QUERY_INVALID'],
    ['a time without a zone', wavOf(1, 500), '?started_at=2026-01-01T00:00:00', {}, 422, 'QUERY_INVALID'],
    ['a time before 1970', wavOf(1, 500), '?started_at=1900-01-01T00:00:00Z', {}, 422, 'QUERY_INVALID'],
  ]

  it.each(cases)('of %s say what and store nothing', async (_name, body, query, headers, status, code) => {
    const count = async () =>
      ((await suite.client.get('/api/relay/rest/recordings?page_size=1000')).json.data as object[]).length
    const before = await count()
    const answer = await suite.client.upload(body, query, headers)
    expect([answer.status, (answer.json.errors as { code: string }[])[0]?.code], answer.bytes.toString()).toEqual([
      status,
      code,
    ])
    expect(answer.json).toEqual({
      errors: [{ detail: expect.any(String), status: String(status), title: expect.any(String), code }],
    })
    expect(await count()).toBe(before)
  })

  it('of a chunked body that turns out too large come while it is still being sent', async () => {
    async function* endless() {
      yield wavOf(1, 100_000)
      for (;;) yield Buffer.alloc(100_000)
    }
    const response = await fetch(`${suite.client.url}/v1/recordings`, {
      method: 'POST',
      headers: { authorization: suite.client.credentials.authorization, 'content-type': 'audio/wav' },
      body: ReadableStream.from(endless()),
      duplex: 'half',
    } as RequestInit).catch(() => undefined)
    if (response) expect(response.status).toBe(413)
    expect((await suite.client.get('/healthz')).status).toBe(200)
  })

  it('are read to their end, so that the answer arrives and the connection can be used again', async () => {
    const { url, credentials } = suite.client
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const headers = {
      authorization: credentials.authorization,
      'content-type': 'audio/wav',
      'transfer-encoding': 'chunked',
    }
    const ask = (body: Buffer): Promise<{ status: number | undefined; localPort: number | undefined }> =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}/v1/recordings`, { method: 'POST', agent, headers }, (response) => {
          const { localPort } = response.socket
          response.resume()
          response.once('end', () => resolve({ status: response.statusCode, localPort }))
        })
        sent.once('error', reject)
        sent.end(body)
      })
    const first = await ask(Buffer.alloc(30_000_000, 'not audio'))
    const second = await ask(wavOf(5, 1000))
    agent.destroy()
    expect([first.status, second.status]).toEqual([422, 201])
    expect(second.localPort).toBe(first.localPort)
  })
})
