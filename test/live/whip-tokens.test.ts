import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFragment, anOffer } from '../builders/webrtc-offer.ts'
import { waitFor } from '../support/wait-for.ts'
import { answered, NOT_FOUND, refused, UNAUTHORIZED, type WhipAnswer, WhipClient } from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const live = new WhipServer({ POULSEN_WEBRTC_POSTS_PER_SECOND: '1000', POULSEN_UPLOAD_IDLE_SECONDS: '1' })
const client = new WhipClient(live)
const { authorization } = live.credentials

beforeAll(() => live.start())
afterAll(() => live.dispose())

const PATH = '/v1/whip/tokens'
const NO_BASIC = answered(401, { error: 'Unauthorized' }, { 'www-authenticate': 'Basic realm="Poulsen"' })
const check = (answer: WhipAnswer, expected: WhipAnswer): void => expect(answer).toEqual(expected)
const make = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<WhipAnswer> =>
  client.ask('POST', PATH, {
    headers: { authorization, ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
const tokenFor = async (endpoint = 'support'): Promise<string> => (await live.publishToken({ endpoint })).token

describe('a publish token', () => {
  it('is made with what it is good for, and shown once', async () => {
    const beforeMs = Date.now()
    const answer = await make({ endpoint: 'A.b_c~d-9' })
    const body = answer.body as { token: string; expires_at: string }
    check(
      answer,
      answered(
        201,
        {
          token: expect.stringMatching(/^PW[0-9a-f]{48}$/),
          endpoint: 'A.b_c~d-9',
          url: `${live.server.url}/whip/A.b_c~d-9`,
          expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        },
        { 'content-length': String(JSON.stringify(body).length) },
      ),
    )
    const lifeMs = Date.parse(body.expires_at) - 60_000
    expect(lifeMs).toBeGreaterThanOrEqual(beforeMs)
    expect(lifeMs).toBeLessThanOrEqual(Date.now())
  })

  it.each([1, 86_400])('lives for %d seconds when asked to', async (life) => {
    const beforeMs = Date.now()
    const { status, body } = await make({ endpoint: 'x', expires_in: life })
    const endMs = Date.parse((body as { expires_at: string }).expires_at)
    expect(status).toBe(201)
    expect(endMs - life * 1000).toBeGreaterThanOrEqual(beforeMs)
    expect(endMs - life * 1000).toBeLessThanOrEqual(Date.now())
  })

  it('gives its recording the leg and the metadata that it was made with', async () => {
    const legId = randomUUID()
    const metadata = { customer: 'Ærø 🎙', ticket: '', ['n'.repeat(64)]: 'v'.repeat(512) }
    const { token } = await live.publishToken({ endpoint: 'told', leg_id: legId.toUpperCase(), metadata })
    const made = await client.publish({ endpoint: 'told', token })
    const found = (await live.list()).find((each) => each.relay_webrtc_leg_id === legId)
    expect((await live.details(found?.id ?? '')).call).toMatchObject({ call_id: legId, to: 'told', metadata })
    expect((await client.end(made)).status).toBe(200)
  })

  it('opens its own session until it has ended, and nothing after that', async () => {
    const made = await client.publish({ token: await tokenFor() })
    expect((await client.patch(made, { body: aFragment() })).status).toBe(204)
    check(await client.end({ ...made, token: client.token }), NOT_FOUND)
    expect((await client.end(made)).status).toBe(200)
    check(await client.end(made), UNAUTHORIZED)
  })

  it('publishes once', async () => {
    const token = await tokenFor()
    const made = await client.publish({ token })
    check(await client.post({ token }), UNAUTHORIZED)
    expect((await client.end(made)).status).toBe(200)
    check(await client.post({ token }), UNAUTHORIZED)
  })

  it('publishes once when it comes many times at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const token = await tokenFor()
      const answers = await Promise.all(Array.from({ length: 1 + (round % 4) + 1 }, () => client.post({ token })))
      const made = answers.filter(({ status }) => status === 201)
      expect(made).toHaveLength(1)
      for (const answer of answers.filter(({ status }) => status !== 201)) check(answer, UNAUTHORIZED)
      const path = new URL(String(made[0]?.headers.location)).pathname
      expect((await client.end({ path, token })).status).toBe(200)
    }
    const running = (await live.list()).filter(({ status }) => status === 'recording')
    expect(running).toEqual([])
  })

  it('is not used up by an offer that is refused', async () => {
    const token = await tokenFor()
    expect((await client.post({ token, body: 'hello' })).status).toBe(400)
    expect((await client.post({ token, body: anOffer({ without: /^a=rtcp-mux/ }) })).status).toBe(422)
    expect((await client.post({ token, headers: { 'content-type': 'text/plain' } })).status).toBe(415)
    const made = await client.publish({ token })
    expect((await client.end(made)).status).toBe(200)
  })

  it('is good for no other endpoint', async () => {
    const token = await tokenFor('mine')
    for (const endpoint of ['support', 'MINE', 'mine2', 'min', '%6Dine2'])
      check(await client.post({ endpoint, token }), UNAUTHORIZED)
    expect((await client.end(await client.publish({ endpoint: 'mine', token }))).status).toBe(200)
  })

  it('expires', async () => {
    const { token } = await live.publishToken({ endpoint: 'support', expires_in: 1 })
    const seen = await waitFor(async () => {
      const answer = await client.post({ token, body: 'hello' })
      return answer.status === 400 ? undefined : answer
    }, 5_000)
    check(seen, UNAUTHORIZED)
    check(await client.post({ token }), UNAUTHORIZED)
  })

  it('opens nothing but that', async () => {
    const token = await tokenFor()
    const { projectId } = live.credentials
    const basic = `Basic ${Buffer.from(`${projectId}:${token}`).toString('base64')}`
    for (const path of ['/api/relay/rest/recordings', '/v1/recordings/x'])
      check(await client.ask('GET', path, { headers: { authorization: basic } }), NO_BASIC)
    check(await make({ endpoint: 'x' }, { authorization: basic }), NO_BASIC)
    check(await make({ endpoint: 'x' }, { authorization: `Bearer ${token}` }), NO_BASIC)
  })
})

describe('who asks for a publish token', () => {
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
  const { projectId, token } = live.credentials
  it.each([
    ['without credentials', ''],
    ['with a bearer', `Bearer ${token}`],
    ['with an unknown token', basic(`${projectId}:PT${'0'.repeat(48)}`)],
    ['for another project', basic(`${randomUUID()}:${token}`)],
  ])('%s: 401', async (_name, header) => {
    check(await make({ endpoint: 'x' }, { authorization: header }), NO_BASIC)
    check(await make('no JSON', { authorization: header }), NO_BASIC)
  })

  it('with a token without calling: 401', async () => {
    const listener = await client.anotherToken('storage', 'video')
    check(await make({ endpoint: 'x' }, { authorization: basic(`${projectId}:${listener}`) }), NO_BASIC)
  })
})

describe('a body that is wrong: 422', () => {
  const wrong = (attribute: string, allowed: string) =>
    refused(422, 'Invalid Attribute', 'BODY_INVALID', `${attribute} must be ${allowed}.`)
  const noObject = wrong('body', 'a JSON object')
  const endpoint = wrong('endpoint', 'up to 64 letters, digits and . _ ~ -')
  const life = wrong('expires_in', 'a whole number of seconds from 1 to 86400')
  const leg = wrong('leg_id', 'a UUID')
  const metadata = wrong('metadata', 'an object of up to 32 short names and texts')
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`n${index}`, 'x']))
  const cases: readonly (readonly [name: string, body: unknown, expected: WhipAnswer])[] = [
    ['nothing', '', noObject],
    ['no JSON', '{"endpoint":', noObject],
    ['null', 'null', noObject],
    ['a list', '[]', noObject],
    ['a text', '"support"', noObject],
    ['a number', '7', noObject],
    ['noise', Uint8Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256), noObject],
    ['nests of 30,000', '['.repeat(30_000), noObject],
    ['no endpoint', {}, endpoint],
    ['an endpoint that is null', { endpoint: null }, endpoint],
    ['an endpoint that is a number', { endpoint: 7 }, endpoint],
    ['an endpoint that is a list', { endpoint: ['support'] }, endpoint],
    ['an empty endpoint', { endpoint: '' }, endpoint],
    ['an endpoint with a slash', { endpoint: 'a/b' }, endpoint],
    ['an endpoint with a space', { endpoint: 'a b' }, endpoint],
    ['an endpoint with a line end', { endpoint: 'a\n' }, endpoint],
    ['an endpoint of 65 characters', { endpoint: 'x'.repeat(65) }, endpoint],
    ['an endpoint beyond ASCII', { endpoint: 'ærø' }, endpoint],
    ['an endpoint that no URL can end with', { endpoint: '.' }, endpoint],
    ['an endpoint that is the way up', { endpoint: '..' }, endpoint],
    ['a life of 0', { endpoint: 'x', expires_in: 0 }, life],
    ['a life below 0', { endpoint: 'x', expires_in: -1 }, life],
    ['a life of a day and a second', { endpoint: 'x', expires_in: 86_401 }, life],
    ['a life of a second and a half', { endpoint: 'x', expires_in: 1.5 }, life],
    ['a life that is a text', { endpoint: 'x', expires_in: '60' }, life],
    ['a life that is null', { endpoint: 'x', expires_in: null }, life],
    ['a life without end', '{"endpoint":"x","expires_in":1e999}', life],
    ['a leg that is a word', { endpoint: 'x', leg_id: 'leg' }, leg],
    ['a leg that is null', { endpoint: 'x', leg_id: null }, leg],
    ['a leg that is a number', { endpoint: 'x', leg_id: 7 }, leg],
    ['a leg without dashes', { endpoint: 'x', leg_id: 'a'.repeat(32) }, leg],
    ['a leg in a list', { endpoint: 'x', leg_id: [randomUUID()] }, leg],
    ['metadata that are null', { endpoint: 'x', metadata: null }, metadata],
    ['metadata that are a list', { endpoint: 'x', metadata: [] }, metadata],
    ['metadata that are a text', { endpoint: 'x', metadata: 'x' }, metadata],
    ['metadata of numbers', { endpoint: 'x', metadata: { a: 1 } }, metadata],
    ['metadata of objects', { endpoint: 'x', metadata: { a: {} } }, metadata],
    ['metadata of 33 names', { endpoint: 'x', metadata: many }, metadata],
    ['metadata with a name of 65 characters', { endpoint: 'x', metadata: { ['x'.repeat(65)]: '' } }, metadata],
    ['metadata with a text of 513 characters', { endpoint: 'x', metadata: { x: 'x'.repeat(513) } }, metadata],
  ]
  it.each(cases)('%s', async (_name, body, expected) => {
    check(await make(body), expected)
  })

  it('of 10 MB: 413', async () => {
    const tooLarge = refused(413, 'Content Too Large', 'BODY_TOO_LARGE', 'The body is larger than 65536 bytes.')
    check(await make(Buffer.alloc(10_000_000, '{"a":')), tooLarge)
  })
})
