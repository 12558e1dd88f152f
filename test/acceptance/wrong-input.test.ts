import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Answer, sendRaw } from './support/client.ts'
import { tokenWith, useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer({ POULSEN_UPLOAD_IDLE_SECONDS: '1' })
const PATH = '/api/relay/rest/recordings'
const UNAUTHORIZED = { error: 'Unauthorized' }
const NOT_FOUND = { error: 'Not Found' }
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
const invalid = (detail: string) => ({ errors: [{ detail, status: '422', title: 'Invalid Attribute', code: '422' }] })
const BAD_ID = invalid('Id is not a valid UUID')

const check = ({ status, json }: Answer, expected: readonly [number, object]): void =>
  expect([status, json]).toEqual(expected)

describe('credentials', () => {
  const { projectId, token } = {
    projectId: () => suite.client.credentials.projectId,
    token: () => suite.client.credentials.token,
  }
  const cases: readonly [name: string, header: () => string][] = [
    ['no header', () => ''],
    ['an empty value', () => ' '],
    ['the scheme alone', () => 'Basic'],
    ['another scheme', () => `Bearer ${token()}`],
    ['Digest', () => 'Digest username="x"'],
    ['no base64', () => 'Basic %%%'],
    ['base64 without a colon', () => basic(projectId())],
    ['an empty user', () => basic(`:${token()}`)],
    ['an empty password', () => basic(`${projectId()}:`)],
    ['a wrong token', () => basic(`${projectId()}:PT${'0'.repeat(48)}`)],
    ['a token cut by one', () => basic(`${projectId()}:${token().slice(0, -1)}`)],
    ['a token with one more', () => basic(`${projectId()}:${token()}0`)],
    ['a token in capitals', () => basic(`${projectId()}:${token().toUpperCase()}`)],
    ['a wrong project', () => basic(`${randomUUID()}:${token()}`)],
    ['a project that is no UUID', () => basic(`me:${token()}`)],
    ['token and project swapped', () => basic(`${token()}:${projectId()}`)],
    ['a space behind the token', () => basic(`${projectId()}:${token()} `)],
    ['a NUL in the token', () => basic(`${projectId()}:${token()}\0`)],
    ['two schemes', () => `Basic ${basic(`${projectId()}:${token()}`)}`],
    ['SQL', () => basic(`' OR 1=1 --:' OR 1=1 --`)],
    ['10,000 characters', () => basic('x'.repeat(7400))],
  ]
  it.each(cases)('%s: 401', async (_name, header) => {
    check(await suite.client.get(PATH, { authorization: header() }), [401, UNAUTHORIZED])
  })

  it('a revoked token: 401 from the next request on', async () => {
    const { id, authorization } = await tokenWith(suite.client, ['calling'])
    expect((await suite.client.get(PATH, { authorization })).status).toBe(200)
    await suite.client.ask({ method: 'DELETE', path: `/api/project/tokens/${id}` })
    check(await suite.client.get(PATH, { authorization }), [401, UNAUTHORIZED])
  })

  it('a project id in capitals is the same project', async () => {
    const header = basic(`${projectId().toUpperCase()}:${token()}`)
    expect((await suite.client.get(PATH, { authorization: header })).status).toBe(200)
  })
})

describe('ids', () => {
  const cases: readonly [name: string, id: string, expected: readonly [number, object]][] = [
    ['nothing', '', [422, BAD_ID]],
    ['a word', 'rec-123', [422, BAD_ID]],
    ['a number', '1', [422, BAD_ID]],
    ['a UUID without dashes', 'a'.repeat(32), [422, BAD_ID]],
    ['a UUID with braces', `%7B${randomUUID()}%7D`, [422, BAD_ID]],
    ['a URN', `urn:uuid:${randomUUID()}`, [422, BAD_ID]],
    ['a UUID cut by one', randomUUID().slice(1), [422, BAD_ID]],
    ['a UUID with one more', `${randomUUID()}0`, [422, BAD_ID]],
    ['a UUID with a foreign digit', `g${randomUUID().slice(1)}`, [422, BAD_ID]],
    ['a space behind', `${randomUUID()}%20`, [422, BAD_ID]],
    ['a line end behind', `${randomUUID()}%0A`, [422, BAD_ID]],
    ['a NUL', '%00', [422, BAD_ID]],
    ['a UUID and a NUL', `${randomUUID()}%00`, [422, BAD_ID]],
    ['an encoded slash', `${randomUUID()}%2F..`, [422, BAD_ID]],
    ['encoded dots', '%2e%2e', [422, BAD_ID]],
    ['dots', '..', [422, BAD_ID]],
    ['a path upwards', '../../../../etc/passwd', [404, NOT_FOUND]],
    ['a further segment', `${randomUUID()}/media`, [404, NOT_FOUND]],
    ['an emoji', '%F0%9F%8E%99', [422, BAD_ID]],
    ['broken UTF-8', '%C3%28', [404, NOT_FOUND]],
    ['a broken escape', '%zz', [404, NOT_FOUND]],
    ['5,000 characters', 'a'.repeat(5000), [422, BAD_ID]],
    ['SQL', "'%20OR%20'1'='1", [422, BAD_ID]],
    ['a UUID with an extension', `${randomUUID()}.json`, [422, BAD_ID]],
    ['an id that nobody has', randomUUID(), [404, NOT_FOUND]],
  ]
  it.each(cases)('%s', async (_name, id, expected) => {
    check(await suite.client.get(`${PATH}/${id}`), expected)
    check(await suite.client.ask({ method: 'DELETE', path: `${PATH}/${id}` }), expected)
  })

  it("another project's recording is as absent as any", async () => {
    const { execFileSync } = await import('node:child_process')
    const cli = (...words: string[]) =>
      JSON.parse(
        execFileSync(process.execPath, ['src/main.ts', ...words, '--data-dir', suite.dataDir, '--json']).toString(),
      )
    const project = cli('project', 'create', '--name', 'other') as { id: string }
    const made = cli('token', 'create', '--project', project.id, '--permission', 'voice', 'storage') as {
      token: string
    }
    const foreign = basic(`${project.id}:${made.token}`)
    const { id } = await suite.client.store(wavOf(1, 500))
    for (const method of ['GET', 'DELETE']) {
      check(await suite.client.ask({ method, path: `${PATH}/${id}`, headers: { authorization: foreign } }), [
        404,
        NOT_FOUND,
      ])
    }
    const own = await suite.client.ask({
      method: 'PUT',
      path: `/v1/recordings/${id}`,
      headers: { authorization: foreign },
      body: wavOf(2, 500),
    })
    expect(own.status).toBe(201)
    expect((await suite.client.get(`${PATH}/${id}`)).json.byte_size).toBe(500)
  })
})

describe('page parameters', () => {
  const size = 'Page size must be a whole number from 1 to 1000'
  const number = 'Page number must be a whole number from 0 to 2147483647'
  it.each([
    ['page_size=0', size],
    ['page_size=1001', size],
    ['page_size=-5', size],
    ['page_size=ten', size],
    ['page_size=', size],
    ['page_size=1.0', size],
    ['page_size=%31%00', size],
    ['page_size=1&page_size=2', size],
    ['page_number=-1', number],
    ['page_number=99999999999', number],
    ['page_number=1', 'Page token is required when page number is greater than 0'],
    ['page_token=', 'Page token is invalid'],
    ['page_token=PA', 'Page token is invalid'],
    ['page_token=bff61159-faab-48b3-959a-3021a8f5beca', 'Page token is invalid'],
    [`page_token=PA${'!'.repeat(30)}`, 'Page token is invalid'],
    [`page_token=${'P'.repeat(3000)}`, 'Page token is invalid'],
  ])('%s: 422', async (query, detail) => {
    check(await suite.client.get(`${PATH}?${query}`), [422, invalid(detail)])
  })

  it('unknown keys are ignored', async () => {
    expect((await suite.client.get(`${PATH}?pageSize=x&status=1&__proto__=2&constructor=3`)).status).toBe(200)
  })
})

describe('paths and methods', () => {
  const id = randomUUID()
  it.each([
    ['GET', '/'],
    ['GET', '/api'],
    ['GET', '/API/relay/rest/recordings'],
    ['GET', '//api/relay/rest/recordings'],
    ['POST', PATH],
    ['PUT', `${PATH}/${id}`],
    ['PATCH', `${PATH}/${id}`],
    ['OPTIONS', PATH],
    ['TRACE', PATH],
    ['PROPFIND', PATH],
    ['GET', '/v1/recordings'],
    ['GET', '/api/project/tokens'],
    ['GET', '/files/../../etc/passwd'],
  ])('%s %s: 404', async (method, path) => {
    const answer = await suite.client.ask({ method, path, headers: { 'content-length': '0' } })
    expect([answer.status, answer.json]).toEqual([404, NOT_FOUND])
  })
})

describe('broken HTTP', () => {
  const head = (line: string, ...more: string[]): string =>
    [line, 'Host: localhost', `Authorization: ${suite.client.credentials.authorization}`, ...more, '', ''].join('\r\n')
  const broken: readonly (readonly [name: string, bytes: () => string, status: string])[] = [
    ['no HTTP at all', () => 'hello\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    ['a version that is none', () => head('GET / HTTP/9.9'), 'HTTP/1.1 400 Bad Request'],
    ['a header without a colon', () => head('GET / HTTP/1.1', 'nonsense'), 'HTTP/1.1 400 Bad Request'],
    ['a header of 50,000 characters', () => head('GET / HTTP/1.1', `X-Bomb: ${'x'.repeat(50_000)}`), 'HTTP/1.1 431 '],
    [
      '10,000 headers',
      () => head('GET / HTTP/1.1', ...Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1`)),
      'HTTP/1.1 431 ',
    ],
    ['a path of 50,000 characters', () => head(`GET /${'x'.repeat(50_000)} HTTP/1.1`), 'HTTP/1.1 431 '],
    [
      'a Content-Length that is none',
      () => head(`DELETE ${PATH}/${randomUUID()} HTTP/1.1`, 'Content-Length: x'),
      'HTTP/1.1 400 ',
    ],
    [
      'two Content-Lengths',
      () => head('POST /v1/recordings HTTP/1.1', 'Content-Length: 4', 'Content-Length: 5'),
      'HTTP/1.1 400 ',
    ],
    [
      'Content-Length and chunked',
      () => head('POST /v1/recordings HTTP/1.1', 'Content-Length: 4', 'Transfer-Encoding: chunked'),
      'HTTP/1.1 400 ',
    ],
    [
      'chunks that are none',
      () => `${head('POST /v1/recordings HTTP/1.1', 'Content-Type: audio/wav', 'Transfer-Encoding: chunked')}zz\r\n`,
      'HTTP/1.1 400 ',
    ],
    ['no Host in 1.1', () => 'GET /healthz HTTP/1.1\r\n\r\n', 'HTTP/1.1 400 '],
    ['HTTP/1.0', () => 'GET /healthz HTTP/1.0\r\n\r\n', 'HTTP/1.1 200 OK'],
    ['an absolute target', () => head('GET http://localhost/healthz HTTP/1.1', 'Connection: close'), 'HTTP/1.1 200 OK'],
    ['CONNECT', () => head('CONNECT localhost:1 HTTP/1.1'), ''],
  ]
  it.each(broken)('%s', async (_name, bytes, status) => {
    const answer = await sendRaw(suite.client.url, [bytes()], 1500, /\r\n\r\n.*/s)
    expect(answer.startsWith(status), answer.slice(0, 200)).toBe(true)
    expect(answer).not.toContain(' 500 ')
    expect((await suite.client.get('/healthz')).status).toBe(200)
  })

  it('pipelined requests are answered in order', async () => {
    const answer = await sendRaw(suite.client.url, [
      head(`GET ${PATH}/one HTTP/1.1`) +
        head(`GET ${PATH}/${randomUUID()} HTTP/1.1`) +
        head('GET /healthz HTTP/1.1', 'Connection: close'),
    ])
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['422', '404', '200'])
  })

  it('a body shorter than its Content-Length stores nothing', async () => {
    const wav = wavOf(9, 4000)
    const id = randomUUID()
    await sendRaw(suite.client.url, [head(`PUT /v1/recordings/${id} HTTP/1.1`, 'Content-Length: 9000'), wav], 300)
    expect((await suite.client.get(`${PATH}/${id}`)).status).toBe(404)
  })

  it('a body longer than its Content-Length is no HTTP from there on', async () => {
    const bytes = [
      head(`PUT /v1/recordings/${randomUUID()} HTTP/1.1`, 'Content-Length: 4000'),
      wavOf(9, 4000),
      Buffer.from('GARBAGE\r\n\r\n'),
    ]
    const answer = await sendRaw(suite.client.url, bytes, 1500, /400 Bad Request/)
    expect(answer).toContain('HTTP/1.1 400 Bad Request')
    expect(answer).not.toContain(' 500 ')
  })

  it('an upload that goes silent is answered with 408', async () => {
    const bytes =
      head('POST /v1/recordings HTTP/1.1', 'Content-Type: audio/wav', 'Content-Length: 9000') +
      wavOf(1, 500).toString('latin1')
    const answer = await sendRaw(suite.client.url, [Buffer.from(bytes, 'latin1')], 5000, /UPLOAD_IDLE/)
    expect(answer).toContain('HTTP/1.1 408 ')
  })

  it('a refused upload sees its refusal although it is still sending', async () => {
    const big = Buffer.alloc(3_000_000, 'not audio ')
    const answer = await suite.client.upload(big)
    expect([answer.status, (answer.json.errors as { code: string }[])[0]?.code]).toEqual([422, 'AUDIO_NOT_RECOGNISED'])
    const guest = await suite.client.upload(big, '', { authorization: '' })
    check(guest, [401, UNAUTHORIZED])
  })
})
