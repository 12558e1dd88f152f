import { randomUUID } from 'node:crypto'
import { get, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Question } from './support/client.ts'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer({ POULSEN_LOG_LEVEL: 'debug' })
const PATH = '/api/relay/rest/recordings'
const MEDIA_ROUTE = '/files/:projectId/recordings/:file'
/** More than two sockets hold, so that the server is still sending when the client has gone. */
const LARGE_BYTES = 20_000_000

interface Line {
  readonly msg: string
  readonly request_id?: string
  readonly method?: string
  readonly route?: string
  readonly status?: number
}

/** The lines of ended requests so far; a line that is not out whole yet is left out. */
const requestLines = (): readonly Line[] =>
  suite.server
    .output()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === 'request')

/** Asks, and holds the log to exactly one line with the answer's id. */
const askAndFind = async (question: Question, route: string) => {
  const { status, headers } = await suite.client.ask(question)
  const mine = () => requestLines().filter((line) => line.request_id === headers['x-request-id'])
  await expect.poll(mine, { timeout: 3000, message: question.path }).toMatchObject([{ route, status }])
}

describe('the log', () => {
  it('has one line for every kind of request, and none has a secret', async () => {
    const { client } = suite
    const { id, url } = await client.store(wavOf(1, 1000))
    const { pathname, search, searchParams } = new URL(url as string)
    const media = pathname + search
    const questions: readonly (Question & { readonly route: string })[] = [
      { path: `${PATH}/${id}`, route: `${PATH}/:id` },
      { path: `${PATH}/${id}?`, route: `${PATH}/:id` },
      { path: `${PATH}?page_size=1`, route: PATH },
      { path: media, method: 'HEAD', route: MEDIA_ROUTE },
      { path: media, headers: { range: 'bytes=0-9' }, route: MEDIA_ROUTE },
      { path: `/nowhere${search}`, route: 'unknown' },
      { path: '/docs/', route: '/docs/*' },
      { path: '/openapi.json', route: '/openapi.json' },
      { path: '/metrics', route: '/metrics' },
      { path: '/v1/recordings', method: 'POST', body: 'not audio', route: '/v1/recordings' },
    ]
    for (const { route, ...question } of questions) await askAndFind(question, route)
    const { authorization, token } = client.credentials
    for (const secret of [searchParams.get('sig') ?? '', token, authorization.slice('Basic '.length)]) {
      expect(secret.length).toBeGreaterThan(20)
      expect(suite.server.output()).not.toContain(secret)
    }
  })

  it('has one line for a path that cannot be decoded', () => askAndFind({ path: '/nowhere%zz' }, 'unknown'))

  it('has one line for an upload that its client left in the middle', async () => {
    const { url, credentials } = suite.client
    const body = wavOf(2, 100_000)
    const headers = { authorization: credentials.authorization, 'content-length': body.length, expect: '100-continue' }
    const sent = request(`${url}/v1/recordings/${randomUUID()}`, { method: 'PUT', headers })
    sent.once('error', () => {})
    sent.once('continue', () => sent.write(body.subarray(0, body.length / 2), () => sent.destroy()))
    sent.flushHeaders()
    const ofUploads = () => requestLines().filter(({ method }) => method === 'PUT')
    await expect.poll(ofUploads, { timeout: 3000 }).toHaveLength(1)
  })

  it('has one line for a download that its client left in the middle', async () => {
    const { url } = await suite.client.store(wavOf(3, LARGE_BYTES))
    const ofDownloads = () => requestLines().filter(({ method, route }) => method === 'GET' && route === MEDIA_ROUTE)
    const before = ofDownloads().length
    const sent = get(url as string, (response) => response.once('data', () => sent.destroy()))
    sent.once('error', () => {})
    await expect.poll(ofDownloads, { timeout: 3000 }).toHaveLength(before + 1)
  })
})
