import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFragment, anAudioLine, anOffer, ICE } from '../builders/webrtc-offer.ts'
import {
  answered,
  FRAGMENT_TYPE,
  type MadeSession,
  NOT_FOUND,
  refused,
  UNAUTHORIZED,
  type WhipAnswer,
  WhipClient,
} from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const live = new WhipServer({ POULSEN_WEBRTC_POSTS_PER_SECOND: '1000' })
const client = new WhipClient(live)
/** One that lives as long as the tests, whatever is asked of it. */
let session: MadeSession
let another: string
let foreign: string
let publishToken: string

beforeAll(async () => {
  await live.start()
  another = await client.anotherToken('calling')
  foreign = await client.foreignToken()
  publishToken = (await live.publishToken({ endpoint: 'support' })).token
  session = await client.publish()
})
afterAll(() => live.dispose())

const check = (answer: WhipAnswer, expected: WhipAnswer): void => expect(answer).toEqual(expected)
const GOOD: WhipAnswer = { status: 204, headers: {}, body: '' }
const ENDED: WhipAnswer = { status: 200, headers: { 'content-length': '0' }, body: '' }
const MISSING = answered(428, { error: 'Precondition Required' })
const FAILED = answered(412, { error: 'Precondition Failed' })
const LOOPBACK = 'candidate:1 1 udp 2122260223 127.0.0.1 9 typ host generation 0'
const LIVE_MS = 30_000

/** It is there, and takes a candidate. */
const expectAlive = async (): Promise<void> => check(await client.patch(session, { body: aFragment() }), GOOD)

describe('the answer to an offer', () => {
  it('is 201 with all that a client needs, and names the lines of the offer', async () => {
    const media = [anAudioLine(), anAudioLine({ mid: 'b', more: ['a=fmtp:111 stereo=1'] })]
    const { answer, path } = await client.publish({ endpoint: 'A.b~9', body: anOffer({ media }) })
    const body = String(answer.body)
    check(answer, {
      status: 201,
      headers: {
        location: expect.stringMatching(`^${live.server.url}/whip/A\\.b~9/[0-9a-f]{48}$`),
        etag: expect.stringMatching(/^"[0-9a-f]{16}"$/),
        'accept-patch': FRAGMENT_TYPE,
        'cache-control': 'no-store',
        'content-type': 'application/sdp',
        'content-length': String(Buffer.byteLength(body)),
      },
      body: expect.stringMatching(/^v=0\r\n(?:[a-z]=[^\r\n]+\r\n)+$/),
    })
    const lines = body.split('\r\n')
    const named = (pattern: RegExp) => lines.filter((line) => pattern.test(line))
    expect(named(/^(?:m=|a=(?:group|mid|rtpmap|recvonly|rtcp-mux|setup))/)).toEqual([
      'a=group:BUNDLE 0 b',
      ...['0', 'b'].flatMap((mid) => [
        'm=audio 9 UDP/TLS/RTP/SAVPF 111',
        `a=mid:${mid}`,
        'a=recvonly',
        'a=rtcp-mux',
        'a=rtpmap:111 opus/48000/2',
        'a=setup:passive',
      ]),
    ])
    expect(new Set(named(/^a=(?:ice-ufrag|ice-pwd|fingerprint)/)).size).toBe(3)
    const port = /media on udp:127\.0\.0\.1:(\d+)/.exec(live.server.output())?.[1]
    expect(named(/^a=candidate/)).toEqual([
      expect.stringMatching(`^a=candidate:\\S+ 1 UDP \\d+ 127\\.0\\.0\\.1 ${port} typ host`),
    ])
    check(await client.end({ path, token: client.token }), ENDED)
  })

  it('is another each time: URL, ETag, and who is to be reached', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => client.publish()))
    const ufrags = made.map(({ answer }) => /^a=ice-ufrag:.*$/m.exec(String(answer.body))?.[0])
    for (const all of [made.map(({ path }) => path), made.map(({ etag }) => etag), ufrags])
      expect(new Set(all).size).toBe(8)
    for (const each of made) check(await client.end(each), ENDED)
  })

  it('names the host by which it was asked', async () => {
    const made = await client.publish({ headers: { host: 'recorder.example:99' } })
    expect(made.answer.headers.location).toBe(`http://recorder.example:99${made.path}`)
    check(await client.end(made), ENDED)
  })

  it('its recording is there before it is', async () => {
    const { answer, ...made } = await client.publish({ endpoint: 'there', headers: { 'user-agent': 'Tester/1' } })
    expect(answer.status).toBe(201)
    const all = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
    const [recording] = all.filter(({ call }) => (call as unknown as { to: string }).to === 'there')
    expect(recording).toMatchObject({
      status: 'recording',
      track: 'inbound',
      relay_webrtc_leg_id: recording?.call?.call_id,
      call: { from: 'Tester/1', to: 'there' },
    })
    check(await client.end(made), ENDED)
    const ended = await live.details(recording?.id ?? '')
    expect([ended.status, ended.call?.end_reason]).toEqual(['no_input', 'hangup'])
  })
})

describe('a session of somebody else, or nobody', () => {
  const notMine: readonly (readonly [
    name: string,
    ask: () => { path?: string; token?: string },
    expected: WhipAnswer,
  ])[] = [
    ["another project's token", () => ({ token: foreign }), NOT_FOUND],
    ['another token of the project', () => ({ token: another }), NOT_FOUND],
    ['a publish token that has not been used', () => ({ token: publishToken }), NOT_FOUND],
    ['no token', () => ({ token: '' }), UNAUTHORIZED],
    ['an unknown token', () => ({ token: `PT${'0'.repeat(48)}` }), UNAUTHORIZED],
    ['an unknown session', () => ({ path: `/whip/support/${'0'.repeat(48)}` }), NOT_FOUND],
    [
      'an unknown session of a foreign project',
      () => ({ path: `/whip/support/${'0'.repeat(48)}`, token: foreign }),
      NOT_FOUND,
    ],
    ['no session', () => ({ path: '/whip/support/' }), NOT_FOUND],
    ['a session of 5,000 characters', () => ({ path: `/whip/support/${'0'.repeat(5_000)}` }), NOT_FOUND],
    ['a property of all objects', () => ({ path: '/whip/support/__proto__' }), NOT_FOUND],
    ['a broken escape', () => ({ path: '/whip/support/%zz' }), NOT_FOUND],
    ['another endpoint', () => ({ path: session.path.replace('support', 'other') }), NOT_FOUND],
    [
      'the session in capitals',
      () => ({ path: session.path.toUpperCase().replace('WHIP/SUPPORT', 'whip/support') }),
      NOT_FOUND,
    ],
    ['one more segment', () => ({ path: `${session.path}/x` }), NOT_FOUND],
    ['a slash behind', () => ({ path: `${session.path}/` }), NOT_FOUND],
  ]
  it.each(notMine)('%s: refused, and the session goes on', async (_name, ask, expected) => {
    const asked = { ...session, ...ask() }
    check(await client.patch(asked, { body: aFragment() }), expected)
    check(await client.end(asked), expected)
    await expectAlive()
  })
})

describe('PATCH', () => {
  const restart = refused(
    422,
    'Invalid Attribute',
    'WHIP_RESTART_UNSUPPORTED',
    'ICE cannot be restarted; the session goes on as it is. When its path is gone for good, publish again.',
  )
  const damaged = refused(
    422,
    'Invalid Attribute',
    'WHIP_FRAGMENT_DAMAGED',
    'The fragment has no ice-ufrag, or is too long. Send what RFC 8840 calls a trickle ICE fragment.',
  )
  const tooLarge = refused(413, 'Content Too Large', 'BODY_TOO_LARGE', 'The body is larger than 65536 bytes.')
  const wrongType = refused(
    415,
    'Unsupported Media Type',
    'WHIP_TYPE_UNSUPPORTED',
    'The body must be application/trickle-ice-sdpfrag.',
  )
  const fragment = aFragment()
  const many = Array.from({ length: 60 }, (_, index) => `candidate:${index} 1 udp 1 127.0.0.1 9 typ host`)
  const cases: readonly (readonly [
    name: string,
    headers: () => Readonly<Record<string, string>>,
    body: string | Uint8Array,
    expected: WhipAnswer,
  ])[] = [
    ['no If-Match', () => ({ 'if-match': '' }), fragment, MISSING],
    ['no If-Match of a restart', () => ({ 'if-match': '' }), aFragment([], 'other'), MISSING],
    ['another ETag', () => ({ 'if-match': '"0000000000000000"' }), fragment, FAILED],
    ['the ETag without its quotes', () => ({ 'if-match': session.etag.replaceAll('"', '') }), fragment, FAILED],
    ['the ETag as a weak one', () => ({ 'if-match': `W/${session.etag}` }), fragment, FAILED],
    ['an ETag that is none', () => ({ 'if-match': ',' }), fragment, FAILED],
    ['a wrong ETag of a restart', () => ({ 'if-match': '"x"' }), aFragment([], 'other'), FAILED],
    ['a list with the ETag', () => ({ 'if-match': `"x", ${session.etag}` }), fragment, GOOD],
    ['any ETag', () => ({ 'if-match': '*' }), fragment, GOOD],
    ['a restart', () => ({}), aFragment([], 'other'), restart],
    ['a restart of any ETag', () => ({ 'if-match': '*' }), aFragment([], 'other'), restart],
    ['a name of ICE that is the first half', () => ({}), aFragment([], `${ICE.ufrag}x`), restart],
    ['no type', () => ({ 'content-type': '' }), fragment, wrongType],
    ['SDP', () => ({ 'content-type': 'application/sdp' }), fragment, wrongType],
    ['a wrong type and no If-Match', () => ({ 'content-type': 'text/plain', 'if-match': '' }), fragment, wrongType],
    ['no fragment', () => ({}), 'hello', damaged],
    ['nothing', () => ({}), '', damaged],
    ['a fragment without a name', () => ({}), fragment.replace(/^a=ice-ufrag.*\r\n/m, ''), damaged],
    ['a fragment with a name of 3 characters', () => ({}), aFragment([], 'abc'), damaged],
    ['noise', () => ({}), Uint8Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256), damaged],
    ['16,385 characters', () => ({}), `${fragment}${'x'.repeat(16_385 - fragment.length)}`, damaged],
    ['16,384 characters', () => ({}), `${fragment}${'x'.repeat(16_384 - fragment.length)}`, GOOD],
    ['10 MB', () => ({}), Buffer.alloc(10_000_000, fragment), tooLarge],
    ['a fragment', () => ({}), fragment, GOOD],
    ['a candidate', () => ({}), aFragment([LOOPBACK]), GOOD],
    ['60 candidates', () => ({}), aFragment(many), GOOD],
    ['a fragment of the end alone', () => ({}), aFragment([]), GOOD],
    [
      'candidates that are none',
      () => ({}),
      aFragment(['candidate:', 'candidate:1 1 udp 1 127.0.0.1 0 typ host', 'x']),
      GOOD,
    ],
    ['a type with a parameter', () => ({ 'content-type': `${FRAGMENT_TYPE}; charset=utf-8` }), fragment, GOOD],
    ['a whole offer of the same peer', () => ({}), anOffer(), GOOD],
  ]
  it.each(cases)('%s, and the session goes on', async (_name, headers, body, expected) => {
    check(await client.patch(session, { headers: headers(), body }), expected)
    await expectAlive()
  })
})

describe('DELETE', () => {
  it('ends a session once, and its recording is final', async () => {
    const made = await client.publish({ endpoint: 'twice' })
    check(await client.end(made), ENDED)
    check(await client.end(made), NOT_FOUND)
    check(await client.patch(made, { body: aFragment() }), NOT_FOUND)
    await expectAlive()
  })

  it('twice at once: one ends it, the other finds it ended or ending', async () => {
    for (let round = 0; round < 10; round += 1) {
      const made = await client.publish()
      const answers = await Promise.all([client.end(made), client.end(made), client.end(made)])
      expect(answers).toContainEqual(ENDED)
      for (const answer of answers) expect([ENDED, NOT_FOUND]).toContainEqual(answer)
    }
  })

  it('behind a PATCH: both are answered', async () => {
    const made = await client.publish()
    const [patched, ended] = await Promise.all([client.patch(made, { body: aFragment() }), client.end(made)])
    expect([GOOD, NOT_FOUND]).toContainEqual(patched)
    check(ended, ENDED)
  })

  it('with a body, an If-Match or a type ends it all the same', async () => {
    const made = await client.publish()
    const headers = { authorization: `Bearer ${client.token}`, 'if-match': '"x"', 'content-type': 'text/plain' }
    check(await client.ask('DELETE', made.path, { headers, body: 'bye' }), ENDED)
  })

  it('of the recording ends the session', async () => {
    const made = await client.publish({ endpoint: 'deleted' })
    const all = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
    const found = all.find(({ call }) => (call as unknown as { to: string }).to === 'deleted')
    await live.remove(found?.id ?? '')
    await expect.poll(() => client.patch(made, { body: aFragment() }), { timeout: 10_000 }).toEqual(NOT_FOUND)
    expect((await live.list()).map(({ id }) => id)).not.toContain(found?.id)
  })
})

describe('methods that are kept for later', () => {
  const notAllowed = (allow: string) => answered(405, { error: 'Method Not Allowed' }, { allow })

  it.each(['GET', 'HEAD', 'PUT'])('%s: 405, with a token and without', async (method) => {
    const body = method === 'HEAD' ? '' : { error: 'Method Not Allowed' }
    for (const token of [client.token, '']) {
      check(await client.ask(method, '/whip/support', { token }), { ...notAllowed('POST, OPTIONS'), body })
      const expected = { ...notAllowed('PATCH, DELETE, OPTIONS'), body }
      check(await client.ask(method, session.path, { token }), expected)
      check(await client.ask(method, '/whip/support/unknown', { token }), expected)
    }
    await expectAlive()
  })

  it.each([
    ['PATCH', '/whip/support'],
    ['DELETE', '/whip/support'],
    ['POST', '/whip/support/x'],
    ['POST', '/whip'],
    ['POST', '/whip/a/b/c'],
  ])('%s %s: 404', async (method, path) => {
    check(await client.ask(method, path), NOT_FOUND)
  })

  it('OPTIONS says what is taken, without a token', async () => {
    const [post, patch] = ['POST, OPTIONS', 'PATCH, DELETE, OPTIONS']
    for (const token of [client.token, '', 'wrong']) {
      check(await client.ask('OPTIONS', '/whip/support', { token }), {
        status: 204,
        headers: { 'accept-post': 'application/sdp', allow: post },
        body: '',
      })
      check(await client.ask('OPTIONS', session.path, { token }), {
        status: 204,
        headers: { 'accept-patch': FRAGMENT_TYPE, allow: patch },
        body: '',
      })
    }
  })
})

describe('a peer that never comes', () => {
  it('ends its session in the end, as media that timed out', { timeout: LIVE_MS + 30_000 }, async () => {
    const made = await client.publish({ endpoint: 'never' })
    await expect
      .poll(() => client.patch(made, { body: aFragment() }), { timeout: LIVE_MS + 15_000, interval: 500 })
      .toEqual(NOT_FOUND)
    const all = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
    const found = all.find(({ call }) => (call as unknown as { to: string }).to === 'never')
    expect([found?.status, found?.call?.end_reason]).toEqual(['no_input', 'media_timeout'])
  })
})
