import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tokenWith, useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer()
const PATH = '/api/relay/rest/recordings'
const speech = readFileSync('assets/call.wav')

describe('GET one recording', () => {
  it.each(['pstn', 'sip', 'webrtc'])("answers the seed's exact JSON for a %s leg", async (type) => {
    const { client } = suite
    const legId = randomUUID()
    const conferenceId = randomUUID()
    const query = `?leg_type=${type}&leg_id=${legId}&track=inbound&started_at=2026-01-31T12:00:00.750%2B01:00&conference_id=${conferenceId}`
    const stored = await client.store(speech, query)
    const { projectId } = client.credentials
    const answer = await client.get(`${PATH}/${stored.id}`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.json).toEqual({
      id: stored.id,
      project_id: projectId,
      created_at: '2026-01-31T11:00:00Z',
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      duration_in_seconds: 16,
      price: 0,
      price_unit: 'USD',
      status: 'completed',
      url: expect.stringMatching(
        `^${client.url}/files/${projectId}/recordings/${stored.id}\\.wav\\?sig=[A-Za-z0-9_-]{22}$`,
      ),
      stereo: true,
      byte_size: speech.length,
      track: 'inbound',
      [`relay_${type}_leg_id`]: legId,
      relay_conference_id: conferenceId,
    })
    expect(stored).toEqual(answer.json)
  })

  it('answers byte for byte the same on the short way and on the long one, which a request with a body takes', async () => {
    const { client } = suite
    const { id } = await client.store(wavOf(7, 1000))
    const answers = [
      await client.get(`${PATH}/${id}`),
      await client.get(`${PATH}/${id}`, { 'content-length': '0' }),
      await client.get(`${PATH}/${id}?`),
    ]
    const [short, ...long] = answers.map(({ status, headers, bytes }) => {
      const { date, 'x-request-id': requestId, ...rest } = headers
      expect([date, requestId]).not.toContain(undefined)
      return { status, rest, text: bytes.toString() }
    })
    for (const each of long) expect(each).toEqual(short)
  })

  it('answers many at once each with its own', async () => {
    const { client } = suite
    const stored = await Promise.all(Array.from({ length: 20 }, (_, seed) => client.store(wavOf(seed + 100, 1000))))
    const ids = stored.flatMap(({ id }) => [id, randomUUID(), 'nonsense', id])
    const answers = await Promise.all(ids.map((id) => client.get(`${PATH}/${id}`)))
    expect(answers.map(({ status }) => status)).toEqual(stored.flatMap(() => [200, 404, 422, 200]))
    const found = answers.filter(({ status }) => status === 200).map(({ json }) => json)
    expect(found).toEqual(stored.flatMap((recording) => [recording, recording]))
  })

  it('takes an id in capitals', async () => {
    const { id } = await suite.client.store(wavOf(1, 1000))
    expect((await suite.client.get(`${PATH}/${String(id).toUpperCase()}`)).json.id).toBe(id)
  })

  it('checks in the order 401, 422, 404', async () => {
    const { client } = suite
    const guest = await client.get(`${PATH}/nonsense`, { authorization: '' })
    expect([guest.status, guest.json]).toEqual([401, { error: 'Unauthorized' }])
    expect(guest.headers['www-authenticate']).toBe('Basic realm="Poulsen"')
    const malformed = await client.get(`${PATH}/nonsense`)
    expect([malformed.status, malformed.json]).toEqual([
      422,
      { errors: [{ detail: 'Id is not a valid UUID', status: '422', title: 'Invalid Attribute', code: '422' }] },
    ])
    const absent = await client.get(`${PATH}/${randomUUID()}`)
    expect([absent.status, absent.json]).toEqual([404, { error: 'Not Found' }])
  })

  it('costs nothing unless the project has a price', async () => {
    const { json } = await suite.client.get(PATH)
    for (const recording of json.data as { price: number }[]) expect(recording.price).toBe(0)
  })
})

describe('DELETE', () => {
  it('removes row and audio at once, also with a JSON content type and no body', async () => {
    const { client } = suite
    const { id, url } = await client.store(wavOf(2, 5000))
    const headers = { 'content-type': 'application/json', 'content-length': '0' }
    const answer = await client.ask({ method: 'DELETE', path: `${PATH}/${id}`, headers })
    expect([answer.status, answer.bytes.length]).toEqual([204, 0])
    expect((await client.get(`${PATH}/${id}`)).status).toBe(404)
    expect((await client.ask({ method: 'DELETE', path: `${PATH}/${id}` })).status).toBe(404)
    const { pathname, search } = new URL(url as string)
    expect((await client.get(pathname + search, { authorization: '' })).status).toBe(404)
    expect((await client.get(pathname)).status).toBe(404)
  })
})

describe('the list', () => {
  it('pages newest first, each link by its query alone, by path and query, or as it is', async () => {
    const { client } = suite
    const made: string[] = []
    for (let index = 0; index < 7; index += 1) {
      const { id } = await client.store(wavOf(index, 500), `?started_at=2020-01-01T00:00:0${index}Z`)
      made.unshift(id as string)
    }
    let path: string | undefined = `${PATH}?page_size=3`
    const seen: string[] = []
    let pages = 0
    while (path !== undefined) {
      const page = (await client.get(path)).json as unknown as { data: { id: string }[]; links: Record<string, string> }
      seen.push(...page.data.map(({ id }) => id))
      expect(page.links.self).toContain(`page_number=${pages}&page_size=3`)
      expect('prev' in page.links).toBe(pages > 0)
      const next = page.links.next
      pages += 1
      if (next === undefined) break
      const link = new URL(next)
      const [byQuery, byPath] = [
        await client.get(`${PATH}${link.search}`),
        await client.get(link.pathname + link.search),
      ]
      const absolute = await fetch(next, { headers: { authorization: client.credentials.authorization } })
      expect(byQuery.json).toEqual(byPath.json)
      expect(await absolute.json()).toEqual(byPath.json)
      path = link.pathname + link.search
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => made.includes(id))).toEqual(made)
  })

  it('goes back by prev to the same rows', async () => {
    const { client } = suite
    const links = async (path: string) =>
      (await client.get(path)).json as { links: Record<string, string>; data: { id: string }[] }
    const first = await links(`${PATH}?page_size=2`)
    const second = await links(new URL(first.links.next ?? '').href.slice(client.url.length))
    const back = await links(new URL(second.links.prev ?? '').href.slice(client.url.length))
    expect(back.data).toEqual(first.data)
    expect(back.links.prev).toBeUndefined()
  })

  it('of an empty project is an empty page', async () => {
    const { client } = suite
    const far = await client.get(`${PATH}?page_size=1000`)
    const last = (far.json.data as { id: string }[]).length
    expect(last).toBeGreaterThan(0)
    expect(far.json.links).not.toHaveProperty('next')
  })
})

describe('permissions', () => {
  const id = randomUUID()
  const routes: readonly [method: string, path: string, needs: string][] = [
    ['GET', PATH, 'calling'],
    ['GET', `${PATH}/${id}`, 'calling'],
    ['DELETE', `${PATH}/${id}`, 'calling'],
    ['POST', '/v1/recordings', 'storage'],
    ['PUT', `/v1/recordings/${id}`, 'storage'],
    ['GET', `/v1/recordings/${id}`, 'calling'],
    ['POST', '/api/project/tokens', 'management'],
    ['PATCH', `/api/project/tokens/${id}`, 'management'],
    ['DELETE', `/api/project/tokens/${id}`, 'management'],
  ]

  it.each(routes)('%s %s: guest, wrong project, wrong permission, right one', async (method, path, needs) => {
    const { client } = suite
    const others = ['calling', 'storage', 'management', 'video', 'chat'].filter((name) => name !== needs)
    const wrong = await tokenWith(client, others)
    const right = await tokenWith(client, [needs])
    const secret = Buffer.from(right.authorization.slice(6), 'base64').toString().split(':')[1]
    const foreign = `Basic ${Buffer.from(`${randomUUID()}:${secret}`).toString('base64')}`
    const body = method === 'GET' ? {} : { body: '' }
    for (const authorization of ['', foreign, wrong.authorization]) {
      const answer = await client.ask({ method, path, headers: { authorization }, ...body })
      expect([answer.status, answer.json], authorization).toEqual([401, { error: 'Unauthorized' }])
    }
    const allowed = await client.ask({ method, path, headers: { authorization: right.authorization }, ...body })
    expect(allowed.status).not.toBe(401)
    expect(allowed.status).toBeLessThan(500)
  })
})
