import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { tokenWith, useServer } from './support/suite.ts'

const suite = useServer()
const call = readFileSync('assets/call.wav')
let path: string
let bare: string
let id: string

beforeAll(async () => {
  const recording = await suite.client.store(call)
  const { pathname, search } = new URL(recording.url as string)
  path = pathname + search
  bare = pathname
  id = recording.id as string
})

const get = (from: string, headers: Record<string, string> = {}, method = 'GET') =>
  suite.client.ask({ method, path: from, headers: { authorization: '', ...headers } })

describe('who may fetch media', () => {
  it('whoever has the signed URL, in every container, and nobody with a part of it', async () => {
    expect((await get(path)).bytes.equals(call)).toBe(true)
    expect((await get(path.replace('.wav', '.mp3'))).status).toBe(200)
    const wrong = [
      bare,
      path.slice(0, -1),
      `${path}A`,
      path.replace('sig=', 'sig=A'),
      `${path}&exp=99999999999`,
      path.replace(id, randomUUID()),
      path.replace(suite.client.credentials.projectId, randomUUID()),
      bare.replace(id, randomUUID()),
      bare.replace(id, 'nonsense'),
      bare.replace('.wav', '.exe'),
      `${bare}?sig=`,
      `${bare}?sig=a&sig=b`,
    ]
    for (const each of wrong) {
      const answer = await get(each)
      expect([answer.status, answer.json], each).toEqual([401, { error: 'Unauthorized' }])
    }
  })

  it('whoever has a token of the project with calling', async () => {
    const { client } = suite
    const [calling, storage] = [await tokenWith(client, ['calling']), await tokenWith(client, ['storage'])]
    expect((await get(bare, { authorization: calling.authorization })).bytes.equals(call)).toBe(true)
    expect((await get(bare, { authorization: storage.authorization })).status).toBe(401)
    expect((await get(path, { authorization: 'Basic nonsense' })).status).toBe(200)
    expect((await get(bare.replace(id, randomUUID()), { authorization: calling.authorization })).status).toBe(404)
    expect((await get(bare.replace('.wav', '.exe'), { authorization: calling.authorization })).status).toBe(404)
    expect((await get(bare.replace('.wav', '.ogg'), { authorization: calling.authorization })).status).toBe(404)
  })

  it('only who has a token, once the project protects its recordings; and not for ever, once it sets a time', async () => {
    const { client, dataDir } = suite
    const { projectId } = client.credentials
    const update = (...flags: string[]) =>
      execFileSync(process.execPath, ['src/main.ts', 'project', 'update', projectId, '--data-dir', dataDir, ...flags])
    const url = async () => (await client.get(`/api/relay/rest/recordings/${id}`)).json.url as string
    update('--protect-recordings')
    await expect.poll(url, { timeout: 8000, interval: 200 }).not.toContain('sig=')
    await expect.poll(async () => (await get(path)).status, { timeout: 8000, interval: 200 }).toBe(401)
    expect((await client.get(bare)).status).toBe(200)
    update('--no-protect-recordings', '--media-url-ttl', '1')
    await expect.poll(url, { timeout: 8000, interval: 200 }).toContain('exp=')
    const { pathname, search } = new URL(await url())
    expect((await get(path)).status).toBe(401)
    await expect.poll(async () => (await get(pathname + search)).status, { timeout: 8000, interval: 200 }).toBe(401)
    update('--media-url-ttl', 'none')
    await expect.poll(async () => (await get(path)).status, { timeout: 8000, interval: 200 }).toBe(200)
    // What the server believes of the project for some seconds would let the URLs of the tests that follow expire.
    await expect.poll(url, { timeout: 8000, interval: 200 }).not.toContain('exp=')
  })
})

describe('ranges and conditions', () => {
  it('has exact headers, the same for HEAD', async () => {
    const whole = await get(path)
    expect(whole.headers).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': String(call.length),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      'last-modified': expect.stringMatching(/GMT$/),
    })
    expect(whole.headers).not.toHaveProperty('content-encoding')
    const head = await get(path, { 'accept-encoding': 'gzip, br' }, 'HEAD')
    const { date: _date, 'x-request-id': _id, ...same } = whole.headers
    expect([head.status, head.bytes.length]).toEqual([200, 0])
    expect(head.headers).toMatchObject(same)
  })

  it('gives any range that there is, as a slice of the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(call.length - 1), fc.nat(call.length * 2), async (first, length) => {
        const last = first + length
        const answer = await get(path, { range: `bytes=${first}-${last}` })
        const end = Math.min(last, call.length - 1)
        expect(answer.status).toBe(206)
        expect(answer.headers['content-range']).toBe(`bytes ${first}-${end}/${call.length}`)
        expect(answer.bytes.equals(call.subarray(first, end + 1))).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  it.each([
    ['bytes=-5', 206, 5],
    ['bytes=255397-', 206, 1],
    ['bytes=255398-', 416, undefined],
    ['bytes=-0', 416, undefined],
    ['bytes=0-1,5-9', 200, call.length],
    ['bytes=9-5', 200, call.length],
    ['seconds=1-2', 200, call.length],
  ])('answers Range: %s with %i', async (range, status, byteSize) => {
    const answer = await get(path, { range })
    expect(answer.status).toBe(status)
    if (byteSize !== undefined) expect(answer.bytes.length).toBe(byteSize)
    else expect(answer.headers['content-range']).toBe(`bytes */${call.length}`)
  })

  it('honours If-None-Match, If-Match, If-Modified-Since and If-Range', async () => {
    const { headers } = await get(path)
    const { etag = '', 'last-modified': modified = '' } = headers
    const past = 'Wed, 01 Jan 2020 00:00:00 GMT'
    const cases: readonly [Record<string, string>, number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"x", W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"' }, 200],
      [{ 'if-none-match': '"x"', 'if-modified-since': modified }, 200],
      [{ 'if-modified-since': modified }, 304],
      [{ 'if-modified-since': past }, 200],
      [{ 'if-modified-since': 'nonsense' }, 200],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '"x"' }, 412],
      [{ 'if-unmodified-since': past }, 412],
      [{ range: 'bytes=0-9', 'if-range': etag }, 206],
      [{ range: 'bytes=0-9', 'if-range': '"x"' }, 200],
      [{ range: 'bytes=0-9', 'if-range': `W/${etag}` }, 200],
      [{ range: 'bytes=0-9', 'if-range': modified }, 206],
      [{ range: 'bytes=0-9', 'if-range': past }, 200],
    ]
    for (const [condition, status] of cases)
      expect((await get(path, condition)).status, JSON.stringify(condition)).toBe(status)
  })
})

describe('derived media', () => {
  it('is made once for many who ask at once, and has ranges', async () => {
    const { url } = await suite.client.store(readFileSync('test/golden/audio/opus-stereo.ogg'))
    const { pathname, search } = new URL((url as string).replace('.ogg', '.mp3'))
    const answers = await Promise.all(Array.from({ length: 8 }, () => get(pathname + search)))
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      expect(answer.headers['content-type']).toBe('audio/mpeg')
      expect(answer.bytes.equals(answers[0]?.bytes ?? Buffer.alloc(0))).toBe(true)
    }
    const metrics = (await suite.client.get('/metrics')).bytes.toString()
    expect(metrics).toContain('poulsen_derivations_total{outcome="derived",format="mp3"}')
    const tail = await get(pathname + search, { range: 'bytes=-100' })
    expect(tail.bytes.equals(answers[0]?.bytes.subarray(-100) ?? Buffer.alloc(0))).toBe(true)
  })

  it.each([
    ['cbr-info-44k.mp3', 'mp3', 'wav'],
    ['vorbis-mono.ogg', 'ogg', 'wav'],
    ['s24-mono-8k.wav', 'wav', 'mp3'],
  ])('of %s can be had as another container', async (name, from, to) => {
    const { url } = await suite.client.store(readFileSync(`test/golden/audio/${name}`))
    const { pathname, search } = new URL((url as string).replace(`.${from}?`, `.${to}?`))
    const answer = await get(pathname + search)
    expect(answer.status).toBe(200)
    const again = await suite.client.upload(answer.bytes)
    expect([again.status, again.json.duration_in_seconds]).toEqual([201, name.startsWith('s24') ? 1 : 1])
  })
})
