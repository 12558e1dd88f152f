import { afterEach, describe, expect, it } from 'vitest'
import { aFragment, anAudioLine, anOffer } from '../builders/webrtc-offer.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  answered,
  FRAGMENT_TYPE,
  type Headers,
  NOT_FOUND,
  refused,
  UNAUTHORIZED,
  type WhipAnswer,
  WhipClient,
} from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const running: WhipServer[] = []
afterEach(async () => {
  for (const each of running.splice(0)) await each.dispose()
})

/** A server with these settings, as long as the test lasts. */
const serve = async (
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly live: WhipServer; readonly client: WhipClient }> => {
  const live = new WhipServer(environment)
  running.push(live)
  await live.start()
  return { live, client: new WhipClient(live) }
}
const check = (answer: WhipAnswer, expected: WhipAnswer): void => expect(answer).toEqual(expected)

describe('pages of other origins', () => {
  const [ORIGIN, OTHER] = ['https://app.example.com', 'https://evil.example.com']
  const EXPOSED = { 'access-control-expose-headers': 'Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After' }
  const PREFLIGHT = {
    'access-control-allow-methods': 'POST, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': 'Authorization, Content-Type, If-Match',
    'access-control-max-age': '3600',
  }
  const NAMED = { vary: 'Origin', 'access-control-allow-origin': ORIGIN, ...EXPOSED }
  const corsOf = ({ headers }: WhipAnswer): Headers =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'vary' || name.startsWith('access-control')))

  /** What pages of an origin see of every kind of answer. */
  const seenBy = async (client: WhipClient, origin: string): Promise<readonly (readonly [number, Headers])[]> => {
    const headers = { origin }
    const made = await client.publish({ headers })
    const answers = [
      made.answer,
      await client.patch(made, { headers, body: aFragment() }),
      await client.patch(made, { headers: { ...headers, 'if-match': '' } }),
      await client.ask('DELETE', made.path, { headers }),
      await client.ask('DELETE', made.path, { headers }),
      await client.post({ headers, token: '' }),
      await client.post({ headers, body: 'hello' }),
      await client.ask('GET', '/whip/support', { headers }),
      await client.ask('OPTIONS', '/whip/support', { headers, token: '' }),
    ]
    return answers.map((answer) => [answer.status, corsOf(answer)])
  }
  const STATUSES = [201, 204, 428, 200, 404, 401, 400, 405, 204]
  const preflight = (client: WhipClient, path: string, origin: string): Promise<WhipAnswer> =>
    client.ask('OPTIONS', path, {
      token: '',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
  const KINDS = [
    ['/whip/support', { 'accept-post': 'application/sdp', allow: 'POST, OPTIONS' }],
    ['/whip/support/x', { 'accept-patch': FRAGMENT_TYPE, allow: 'PATCH, DELETE, OPTIONS' }],
  ] as const

  it('of a list may publish and read every answer, errors too; others may not', async () => {
    const { client } = await serve({ POULSEN_WEBRTC_ORIGINS: `https://first.example.com, ${ORIGIN}` })
    expect(await seenBy(client, ORIGIN)).toEqual(STATUSES.map((status) => [status, NAMED]))
    for (const origin of [OTHER, 'null', `${ORIGIN}.evil.com`, ORIGIN.toUpperCase(), 'http://app.example.com'])
      expect(await seenBy(client, origin)).toEqual(STATUSES.map((status) => [status, { vary: 'Origin' }]))
    check(await client.post({ headers: { origin: ORIGIN }, token: '' }), {
      ...UNAUTHORIZED,
      headers: { ...UNAUTHORIZED.headers, ...NAMED },
    })
    for (const [path, own] of KINDS) {
      check(await preflight(client, path, ORIGIN), {
        status: 204,
        headers: { ...own, ...NAMED, ...PREFLIGHT },
        body: '',
      })
      check(await preflight(client, path, OTHER), { status: 204, headers: { ...own, vary: 'Origin' }, body: '' })
    }
  })

  it('all of them may, with *', async () => {
    const { client } = await serve({ POULSEN_WEBRTC_ORIGINS: '*' })
    const any = { 'access-control-allow-origin': '*', ...EXPOSED }
    expect(await seenBy(client, OTHER)).toEqual(STATUSES.map((status) => [status, any]))
    for (const [path, own] of KINDS)
      check(await preflight(client, path, OTHER), { status: 204, headers: { ...own, ...any, ...PREFLIGHT }, body: '' })
  })

  it('none of them may, unless said', async () => {
    const { client } = await serve({})
    expect(await seenBy(client, ORIGIN)).toEqual(STATUSES.map((status) => [status, {}]))
  })

  it('of a list are not told to a request without one, but that answers differ is', async () => {
    const { client } = await serve({ POULSEN_WEBRTC_ORIGINS: ORIGIN })
    const made = await client.publish()
    const answers = [
      made.answer,
      await client.end(made),
      await client.post({ token: '' }),
      await client.ask('OPTIONS', '/whip/x'),
    ]
    expect(answers.map((answer) => [answer.status, corsOf(answer)])).toEqual(
      [201, 200, 401, 204].map((status) => [status, { vary: 'Origin' }]),
    )
  })

  it('nothing else is opened to them', async () => {
    const { live, client } = await serve({ POULSEN_WEBRTC_ORIGINS: '*' })
    const headers = { origin: ORIGIN, authorization: live.credentials.authorization }
    for (const path of ['/api/relay/rest/recordings', '/healthz', '/metrics'])
      expect(corsOf(await client.ask('GET', path, { headers }))).toEqual({})
    expect(corsOf(await client.ask('POST', '/v1/whip/tokens', { headers, body: '{}' }))).toEqual({})
  })
})

describe('ICE servers', () => {
  it('are told in Link, with their credentials, which never reach the log', async () => {
    const [user, password] = ['usr"name', 'p4ss\\wo"rd-never-logged']
    const servers = [
      'stun:stun.example.com:3478',
      `turn:${user}:${password}@turn.example.com:3478?transport=udp`,
      `turns:${user}:${password}@[2001:db8::1]:443?transport=tcp`,
    ]
    const { live, client } = await serve({
      POULSEN_WEBRTC_ICE_SERVERS: servers.join(', '),
      POULSEN_LOG_LEVEL: 'trace',
      POULSEN_WEBRTC_PROJECT_MAX: '1',
    })
    const made = await client.publish()
    const credentials = 'username="usr\\"name"; credential="p4ss\\\\wo\\"rd-never-logged"; credential-type="password"'
    expect(made.answer.headers.link).toBe(
      [
        '<stun:stun.example.com:3478>; rel="ice-server"',
        `<turn:turn.example.com:3478?transport=udp>; rel="ice-server"; ${credentials}`,
        `<turns:[2001:db8::1]:443?transport=tcp>; rel="ice-server"; ${credentials}`,
      ].join(', '),
    )
    const others = [
      await client.post(),
      await client.post({ body: 'hello' }),
      await client.post({ token: '' }),
      await client.ask('OPTIONS', '/whip/support'),
      await client.patch(made, { body: aFragment() }),
      await client.end(made),
    ]
    expect(others.map(({ status, headers }) => [status, headers.link])).toEqual(
      [503, 400, 401, 204, 204, 200].map((status) => [status, undefined]),
    )
    expect(await live.stop()).toBe(0)
    expect(live.server.output()).toContain('"end_reason":"hangup"')
    for (const secret of ['never-logged', 'usr', live.credentials.token, made.path.split('/').at(-1) as string])
      expect(live.server.output()).not.toContain(secret)
  })

  it('are told only when there are some', async () => {
    const { client } = await serve({})
    const made = await client.publish()
    expect(made.answer.headers.link).toBeUndefined()
    expect((await client.end(made)).status).toBe(200)
  })
})

describe('limits', () => {
  const throttled = refused(
    429,
    'Too Many Requests',
    'WHIP_THROTTLED',
    'Offers of this project come too fast. Wait a moment, or raise POULSEN_WEBRTC_POSTS_PER_SECOND.',
    { 'retry-after': '2' },
  )
  const busy = (count: number) =>
    refused(
      503,
      'Service Unavailable',
      'WHIP_BUSY',
      `${count} sessions of this project are running. Raise POULSEN_WEBRTC_PROJECT_MAX.`,
      { 'retry-after': '2' },
    )

  it('offers that come too fast: 429, until a moment has passed; those of others are not held up', async () => {
    const { client } = await serve({ POULSEN_WEBRTC_POSTS_PER_SECOND: '2' })
    const foreign = await client.foreignToken()
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.post({ body: 'hello' })))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(2)
    for (const answer of answers.filter(({ status }) => status !== 400)) check(answer, throttled)
    expect((await client.post({ body: 'hello', token: foreign })).status).toBe(400)
    check(await client.post({ token: '' }), UNAUTHORIZED)
    const made = await waitFor(async () => {
      const answer = await client.post()
      return answer.status === 429 ? undefined : answer
    })
    expect(made.status).toBe(201)
  })

  it('more sessions than a project may have: 503, until one has ended; others have room', async () => {
    const { live, client } = await serve({ POULSEN_WEBRTC_PROJECT_MAX: '3' })
    const foreign = await client.foreignToken()
    const answers = await Promise.all(Array.from({ length: 7 }, () => client.post()))
    const made = answers.filter(({ status }) => status === 201)
    expect(made).toHaveLength(3)
    for (const answer of answers.filter(({ status }) => status !== 201)) check(answer, busy(3))
    expect((await client.post({ token: foreign })).status).toBe(201)
    const { token } = await live.publishToken({ endpoint: 'support' })
    check(await client.post({ token }), busy(3))
    const path = new URL(String(made[0]?.headers.location)).pathname
    expect((await client.end({ path, token: client.token })).status).toBe(200)
    // A token that found no room is not used up by that.
    const again = await client.publish({ token })
    check(await client.post(), busy(3))
    expect((await client.end(again)).status).toBe(200)
    expect((await live.list()).filter(({ status }) => status === 'recording')).toHaveLength(2)
  })

  it('as many calls as may be: 503, and no session is left of it', async () => {
    const { client } = await serve({ POULSEN_CALLS_MAX: '1' })
    const made = await client.publish()
    check(
      await client.post(),
      refused(503, 'Service Unavailable', 'CAPTURE_BUSY', '1 calls are being recorded. Raise POULSEN_CALLS_MAX.', {
        'retry-after': '2',
      }),
    )
    const metrics = await client.ask('GET', '/metrics')
    expect(String(metrics.body)).toMatch(/^poulsen_whip_sessions 1$/m)
    expect(String(metrics.body)).toMatch(/^poulsen_whip_refused_total\{code="CAPTURE_BUSY"\} 1$/m)
    expect((await client.end(made)).status).toBe(200)
    expect((await client.end(await client.publish())).status).toBe(200)
  })
})

describe('the address that peers are told', () => {
  it.each(['192.0.2.7', '2001:db8::7'])('is the public one: %s, once', async (address) => {
    const { live, client } = await serve({ POULSEN_WEBRTC_PUBLIC_ADDRESS: address })
    const media = ['0', '1'].map((mid) => anAudioLine({ mid }))
    const made = await client.publish({ body: anOffer({ media }) })
    const port = /media on udp:127\.0\.0\.1:(\d+)/.exec(live.server.output())?.[1]
    const lines = String(made.answer.body).split('\r\n')
    expect(lines.filter((line) => line.startsWith('a=candidate'))).toEqual([
      expect.stringMatching(`^a=candidate:\\S+ 1 UDP \\d+ ${address.replaceAll('.', '\\.')} ${port} typ host`),
    ])
    expect(lines.filter((line) => line === 'a=end-of-candidates')).toHaveLength(1)
    expect((await client.end(made)).status).toBe(200)
  })

  it('is also that of the URL of a session', async () => {
    const { live, client } = await serve({ POULSEN_PUBLIC_URL: 'https://calls.example.com' })
    const made = await client.publish()
    expect(made.answer.headers.location).toBe(`https://calls.example.com${made.path}`)
    expect((await live.publishToken({ endpoint: 'x' })).url).toBe('https://calls.example.com/whip/x')
    expect((await client.end(made)).status).toBe(200)
  })
})

describe('no WebRTC', () => {
  it('none: nothing of it is there', async () => {
    const { live, client } = await serve({ POULSEN_WEBRTC_LISTEN: 'none' })
    expect(live.server.output()).not.toContain('WebRTC')
    for (const [method, path] of [
      ['POST', '/whip/support'],
      ['OPTIONS', '/whip/support'],
      ['GET', '/whip/support'],
      ['PATCH', '/whip/support/x'],
      ['DELETE', '/whip/support/x'],
    ] as const)
      check(await client.ask(method, path), NOT_FOUND)
    const headers = { authorization: live.credentials.authorization }
    check(await client.ask('POST', '/v1/whip/tokens', { headers, body: '{"endpoint":"x"}' }), NOT_FOUND)
    check(await client.ask('GET', '/healthz'), answered(200, { status: 'ok' }))
  })
})
