import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { requireProgram } from './support/debian.ts'
import { makeCredentials, type RunningServer, startServer } from './support/server.ts'
import { wavOf } from './support/wav.ts'

const PATH = '/api/relay/rest/recordings'
const folder = mkdtempSync(join(tmpdir(), 'poulsen-operations-'))
const started: RunningServer[] = []
afterAll(async () => {
  await Promise.all(started.map((server) => server.kill()))
  rmSync(folder, { recursive: true, force: true })
})

const start = async (environment: Readonly<Record<string, string>> = {}) => {
  const credentials = makeCredentials()
  const dataDir = mkdtempSync(join(folder, 'data-'))
  const server = await startServer(dataDir, credentials, environment)
  started.push(server)
  return { server, dataDir, client: new Client(server.url, credentials) }
}

/** An upload whose head and first bytes are with the server, and whose end is not. */
const beginUpload = async ({ url, credentials }: Client, body: Buffer): Promise<ClientRequest> => {
  const headers = { authorization: credentials.authorization, 'content-length': body.length, expect: '100-continue' }
  const sent = request(`${url}/v1/recordings`, { method: 'POST', headers })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.write(body.subarray(0, body.length / 2))
  return sent
}

describe('where clients find the media', () => {
  const urlOf = async (client: Client, id: unknown, headers: Record<string, string>) => {
    const { json } = await client.get(`${PATH}/${id}`, headers)
    return new URL(json.url as string).origin
  }

  it('is the configured origin, whatever a client says', async () => {
    const { client } = await start({ POULSEN_PUBLIC_URL: 'https://calls.example.com' })
    const { id } = await client.store(wavOf(1, 1000))
    const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    for (const headers of [{}, forged]) expect(await urlOf(client, id, headers)).toBe('https://calls.example.com')
    const { json } = await client.get(PATH)
    expect((json.links as { self: string }).self).toMatch(/^https:\/\/calls\.example\.com\//)
  })

  it('is what a trusted proxy says, and only a trusted one', async () => {
    const forwarded = {
      'x-forwarded-host': 'calls.example.com',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '1.2.3.4',
    }
    const trusting = await start({ POULSEN_TRUSTED_PROXIES: '127.0.0.1' })
    const first = await trusting.client.store(wavOf(1, 1000))
    for (const _again of [1, 2]) {
      expect(await urlOf(trusting.client, first.id, forwarded)).toBe('https://calls.example.com')
    }
    const distrusting = await start({ POULSEN_TRUSTED_PROXIES: '10.0.0.0/8' })
    const second = await distrusting.client.store(wavOf(1, 1000))
    for (const _again of [1, 2]) {
      expect(await urlOf(distrusting.client, second.id, forwarded)).toBe(distrusting.server.url)
    }
  })
})

describe('settings', () => {
  it('POULSEN_STATUS_VOCABULARY=event says finished', async () => {
    const { client } = await start({ POULSEN_STATUS_VOCABULARY: 'event' })
    const { id, status } = await client.store(wavOf(1, 1000))
    expect(status).toBe('finished')
    expect((await client.get(`${PATH}/${id}`)).json.status).toBe('finished')
  })

  it("a project's price counts minutes begun, for recordings stored after it was set", async () => {
    const { client, dataDir } = await start()
    const free = await client.store(wavOf(1, 1000))
    const { projectId } = client.credentials
    const flags = ['--recording-price-per-minute', '0.005', '--data-dir', dataDir]
    execFileSync(process.execPath, ['src/main.ts', 'project', 'update', projectId, ...flags])
    // Another process changed the project: this one notices within five seconds.
    await expect.poll(async () => (await client.store(wavOf(2, 1000))).price, { timeout: 8000 }).toBe(0.005)
    expect((await client.store(wavOf(3, 44 + 61 * 16_000))).price).toBe(0.01)
    expect((await client.get(`${PATH}/${free.id}`)).json.price).toBe(0)
  })
})

describe('TLS', () => {
  const makeCertificate = (name: string): string => {
    const path = join(folder, name)
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${path}.key`]
    execFileSync(
      requireProgram('/usr/bin/openssl', 'openssl'),
      ['req', '-x509', '-days', '2', ...key, '-out', `${path}.crt`, ...subject],
      {
        stdio: 'pipe',
      },
    )
    return path
  }
  const nameAt = async (url: string): Promise<string> => {
    const { connect } = await import('node:tls')
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return String(subject.CN)
  }

  it('is served, and a renewed certificate is taken up without a restart; a broken one is not', async () => {
    const [first, second] = [makeCertificate('first'), makeCertificate('second')]
    const live = join(folder, 'live')
    const install = (from: string) => {
      copyFileSync(`${from}.key`, `${live}.key`)
      copyFileSync(`${from}.crt`, `${live}.crt`)
    }
    install(first)
    const { server } = await start({ POULSEN_TLS_CERT: `${live}.crt`, POULSEN_TLS_KEY: `${live}.key` })
    expect(server.url).toMatch(/^https:/)
    expect(await nameAt(server.url)).toBe('first')
    install(second)
    await expect.poll(() => nameAt(server.url), { timeout: 10_000 }).toBe('second')
    writeFileSync(`${live}.crt`, 'no certificate')
    await expect.poll(() => server.output(), { timeout: 10_000 }).toContain('TLS certificate not reloaded')
    expect(await nameAt(server.url)).toBe('second')
  }, 30_000)
})

describe('metrics', () => {
  const counters = async (client: Client): Promise<ReadonlyMap<string, number>> => {
    const text = (await client.get('/metrics')).bytes.toString()
    const lines = text.split('\n').filter((line) => line.startsWith('poulsen_'))
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    )
  }

  it('count exactly what happened', async () => {
    const { client } = await start()
    const audio = wavOf(1, 1000)
    const { id } = await client.store(audio)
    const before = await counters(client)
    for (let times = 0; times < 3; times += 1) await client.get(`${PATH}/${id}`)
    await client.get(`${PATH}/nonsense`)
    await client.upload(Buffer.from('not audio'))
    const { url } = await client.store(audio)
    const mp3 = new URL((url as string).replace('.wav?', '.mp3?'))
    for (const _again of [1, 2]) await client.get(mp3.pathname + mp3.search)
    const after = await counters(client)
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
    const one = `route="${PATH}/:id",method="GET"`
    expect(grown(`poulsen_http_requests_total{${one},status="200"}`)).toBe(3)
    expect(grown(`poulsen_http_request_seconds_count{${one},status="200"}`)).toBe(3)
    expect(grown(`poulsen_http_requests_total{${one},status="422"}`)).toBe(1)
    expect(grown('poulsen_uploads_total{outcome="stored"}')).toBe(1)
    expect(grown('poulsen_uploads_total{outcome="rejected"}')).toBe(1)
    expect(grown('poulsen_upload_bytes_total')).toBe(audio.length)
    expect(grown('poulsen_derivations_total{outcome="derived",format="mp3"}')).toBe(1)
    expect(grown('poulsen_derivations_total{outcome="cached",format="mp3"}')).toBe(1)
    expect(grown('poulsen_catalogue_commit_seconds_count')).toBe(1)
    expect(after.get('poulsen_media_free_bytes')).toBeGreaterThan(0)
  })

  it('are closed to what a proxy passes on, unless it may manage', async () => {
    const { client } = await start()
    const passedOn = { 'x-forwarded-for': '1.2.3.4' }
    expect((await client.get('/metrics', { ...passedOn, authorization: '' })).status).toBe(401)
    expect((await client.get('/metrics', passedOn)).status).toBe(200)
    for (const path of ['/healthz', '/readyz']) {
      expect((await client.get(path, { ...passedOn, authorization: '' })).status).toBe(200)
    }
  })
})

describe('the log', () => {
  it('has one line a request, and never a secret', async () => {
    const { client, server } = await start({ POULSEN_LOG_LEVEL: 'debug' })
    const { id, url } = await client.store(wavOf(1, 1000))
    const made = await client.ask({
      method: 'POST',
      path: '/api/project/tokens',
      body: JSON.stringify({ name: 'x', permissions: ['calling'] }),
    })
    const { pathname, search, searchParams } = new URL(url as string)
    await client.get(pathname + search)
    const answers = [await client.get(`${PATH}/${id}`), await client.get(`${PATH}/nonsense`)]
    const guest = await client.get(`${PATH}/${id}`, { authorization: 'Basic c2VjcmV0OmRvbm90bG9n' })
    await server.stop()
    const printed = server.output()
    const lines = printed.split('\n').filter((line) => line.startsWith('{'))
    const requests = lines
      .map((line) => JSON.parse(line))
      .filter(({ msg, route }) => msg === 'request' && route !== '/openapi.json')
    expect(requests).toHaveLength(6)
    for (const [index, status] of [200, 422].entries()) {
      const requestId = answers[index]?.headers['x-request-id']
      expect(requests.filter(({ request_id }) => request_id === requestId)).toEqual([
        {
          level: 30,
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          request_id: requestId,
          project_id: client.credentials.projectId,
          method: 'GET',
          route: `${PATH}/:id`,
          status,
          ms: expect.any(Number),
          msg: 'request',
        },
      ])
    }
    const guestLine = requests.find(({ request_id }) => request_id === guest.headers['x-request-id'])
    expect(guestLine).toMatchObject({ status: 401 })
    expect(guestLine).not.toHaveProperty('project_id')
    const secrets = [client.credentials.token, made.json.token as string, searchParams.get('sig') ?? '']
    const authorizations = [client.credentials.authorization.slice('Basic '.length), 'c2VjcmV0OmRvbm90bG9n', 'donotlog']
    for (const secret of [...secrets, ...authorizations]) {
      expect(secret.length).toBeGreaterThan(7)
      expect(printed).not.toContain(secret)
    }
  })
})

describe('a stop', () => {
  it('takes no new connections, lets a running upload finish, and ends with 0', async () => {
    const { client, server } = await start()
    const body = wavOf(1, 100_000)
    const sent = await beginUpload(client, body)
    server.signal('SIGTERM')
    const refused = () =>
      client.get('/healthz').then(
        () => false,
        () => true,
      )
    await expect.poll(refused).toBe(true)
    sent.end(body.subarray(body.length / 2))
    const [response] = await once(sent, 'response')
    expect([response.statusCode, response.headers.connection]).toEqual([201, 'close'])
    expect(await server.ended).toBe(0)
  })

  it('is forced by a second signal', async () => {
    const { client, server } = await start()
    const sent = await beginUpload(client, wavOf(1, 100_000))
    sent.once('error', () => {})
    server.signal('SIGTERM')
    await expect
      .poll(() =>
        client.get('/healthz').then(
          () => false,
          () => true,
        ),
      )
      .toBe(true)
    server.signal('SIGINT')
    expect(await server.ended).toBe(130)
  })

  it('cuts what still runs at the deadline', async () => {
    const { client, server } = await start({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '1' })
    const sent = await beginUpload(client, wavOf(1, 100_000))
    const cut = once(sent, 'error')
    server.signal('SIGTERM')
    expect(await server.ended).toBe(0)
    await cut
  })
})
