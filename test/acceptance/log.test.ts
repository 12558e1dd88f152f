import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer({ POULSEN_LOG_LEVEL: 'debug' })
const PATH = '/api/relay/rest/recordings'

interface Line {
  readonly msg: string
  readonly request_id?: string
  readonly route?: string
  readonly status?: number
}

const lines = (): readonly Line[] =>
  suite.server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)

describe('every kind of request', () => {
  it('leaves one line, that of its x-request-id', async () => {
    const { client } = suite
    const { id, url } = await client.store(wavOf(1, 1000))
    const { pathname, search } = new URL(url as string)
    const media = pathname + search
    const questions = [
      { path: `${PATH}/${id}`, route: `${PATH}/:id` },
      { path: `${PATH}/${id}?`, route: `${PATH}/:id` },
      { path: `${PATH}?page_size=1`, route: PATH },
      { path: media, method: 'HEAD', route: '/files/:projectId/recordings/:file' },
      { path: media, headers: { range: 'bytes=0-9' }, route: '/files/:projectId/recordings/:file' },
      { path: `/nowhere${search}`, route: 'unknown' },
      { path: `/nowhere%zz${search}`, route: 'unknown' },
      { path: '/docs/', route: '/docs/*' },
      { path: '/openapi.json', route: '/openapi.json' },
      { path: '/metrics', route: '/metrics' },
      { path: '/v1/recordings', method: 'POST', body: 'not audio', route: '/v1/recordings' },
    ]
    for (const { route, ...question } of questions) {
      const { status, headers } = await client.ask(question)
      const mine = () =>
        lines().filter(({ request_id, msg }) => request_id === headers['x-request-id'] && msg === 'request')
      await expect.poll(mine, { timeout: 5000, message: question.path }).toMatchObject([{ route, status }])
    }
    const output = suite.server.output()
    expect(output).not.toContain(new URLSearchParams(search).get('sig'))
    expect(output).not.toContain(client.credentials.token)
  })

  it('leaves one line also when the client goes away in the middle of its upload', async () => {
    const { url, credentials } = suite.client
    const ofUploads = () => lines().filter(({ msg, route }) => msg === 'request' && route === '/v1/recordings/:id')
    const headers = { authorization: credentials.authorization, 'content-length': 100_000, expect: '100-continue' }
    const sent = request(`${url}/v1/recordings/${crypto.randomUUID()}`, { method: 'PUT', headers })
    sent.on('error', () => {})
    sent.once('continue', () => sent.write(wavOf(2, 50_000), () => sent.destroy()))
    sent.flushHeaders()
    await expect.poll(ofUploads, { timeout: 5000 }).toHaveLength(1)
  })
})
