import { beforeAll, describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

/** The tests connect from a trusted proxy's address; many proxies pass on what the client said in these headers. */
const suite = useServer({ POULSEN_TRUSTED_PROXIES: '127.0.0.1' })
const PATH = '/api/relay/rest/recordings'
let id: string

beforeAll(async () => {
  id = (await suite.client.store(wavOf(1, 1000))).id as string
})

const mediaUrl = async (headers: Readonly<Record<string, string>>): Promise<string> =>
  (await suite.client.get(`${PATH}/${id}`, headers)).json.url as string

describe('what a trusted proxy passes on', () => {
  it.each([
    ['https, http', 'http'],
    ['http,https', 'https'],
    ['https', 'https'],
  ])('X-Forwarded-Proto: %s is %s, the word of the nearest proxy', async (proto, scheme) => {
    const { host } = new URL(suite.client.url)
    expect(new URL(await mediaUrl({ 'x-forwarded-proto': proto })).origin).toBe(`${scheme}://${host}`)
  })

  it('X-Forwarded-Host of a chain is that of the nearest proxy', async () => {
    const url = await mediaUrl({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example, b.example:8443' })
    expect(new URL(url).origin).toBe('https://b.example:8443')
  })

  it.each([
    'evil.example/x',
    'user@evil.example',
    'evil.example?',
    ' ',
  ])('X-Forwarded-Host: %s is no host and never gets into a link', async (host) => {
    expect(await mediaUrl({ 'x-forwarded-host': host })).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/files\//)
  })

  it.each([
    'javascript',
    'https://evil.example/',
    'ftp',
    'https:',
  ])('X-Forwarded-Proto: %s is no scheme of ours and never gets into a link', async (proto) => {
    const headers = { 'x-forwarded-proto': proto, 'x-forwarded-host': 'calls.example.com' }
    expect(await mediaUrl(headers)).toMatch(/^https?:\/\/calls\.example\.com\/files\//)
    const { json } = await suite.client.get(PATH, headers)
    expect((json.links as { self: string }).self).toMatch(/^https?:\/\/calls\.example\.com\/api\//)
  })
})
