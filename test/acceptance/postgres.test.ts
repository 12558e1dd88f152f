import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresServer } from '../support/postgres.ts'
import { type Certificate, selfSigned, signedBy } from '../support/self-signed.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Credentials, makeCredentials, type RunningServer, startServer } from './support/server.ts'

const CALL = readFileSync('assets/call.wav')
const folders: string[] = []
const authority = selfSigned({ name: 'authority', isAuthority: true })
const stranger = selfSigned({ name: 'stranger', isAuthority: true })
let postgres: PostgresServer

beforeAll(async () => {
  // TLS for who asks for it.
  const tls = { ...signedBy(authority, { hosts: ['127.0.0.1'] }), clientAuthority: authority.cert }
  postgres = await PostgresServer.start({ tls })
}, 60_000)
afterAll(async () => {
  await postgres?.stop()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const freshDir = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-acceptance-'))
  folders.push(folder)
  return folder
}

const start = (dataDir: string, credentials: Credentials, url: string): Promise<RunningServer> =>
  startServer(dataDir, credentials, { POULSEN_CATALOGUE: url })

/** A URL that believes certificates of one authority only. */
const verified = (url: string, { cert }: Certificate): string => {
  const path = join(freshDir(), 'authority.pem')
  writeFileSync(path, cert)
  return `${url}?sslmode=verify-full&sslrootcert=${path}`
}

const upload = async (server: RunningServer, { authorization }: Credentials): Promise<Response> =>
  fetch(`${server.url}/v1/recordings?leg_type=sip`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'audio/wav' },
    body: CALL,
  })

const list = async (server: RunningServer, { authorization }: Credentials): Promise<readonly { id: string }[]> => {
  const response = await fetch(`${server.url}/api/relay/rest/recordings`, { headers: { authorization } })
  expect(response.status).toBe(200)
  return ((await response.json()) as { data: { id: string }[] }).data
}

describe('a server whose catalogue is in PostgreSQL', () => {
  it('keeps what was acknowledged over a kill, and serves it as ever', async () => {
    const [dataDir, credentials, url] = [freshDir(), makeCredentials(), await postgres.database()]
    const first = await start(dataDir, credentials, url)
    const stored = await upload(first, credentials)
    expect(stored.status).toBe(201)
    const recording = (await stored.json()) as { id: string; url: string }
    await first.kill()
    const second = await start(dataDir, credentials, url)
    expect(await list(second, credentials)).toMatchObject([{ id: recording.id }])
    const { pathname, search } = new URL(recording.url)
    const media = await fetch(new URL(pathname + search, second.url))
    expect(Buffer.from(await media.arrayBuffer())).toEqual(CALL)
    const removed = await fetch(`${second.url}/api/relay/rest/recordings/${recording.id}`, {
      method: 'DELETE',
      headers: { authorization: credentials.authorization },
    })
    expect(removed.status).toBe(204)
    expect(await list(second, credentials)).toEqual([])
    expect(await second.stop()).toBe(0)
  }, 60_000)

  it('answers 503 while it is away, and goes on by itself when it is back', async () => {
    const [dataDir, credentials, url] = [freshDir(), makeCredentials(), await postgres.database()]
    const server = await start(dataDir, credentials, url)
    expect((await upload(server, credentials)).status).toBe(201)
    await postgres.halt()
    const away = await waitFor(async () => {
      const response = await fetch(`${server.url}/api/relay/rest/recordings`, {
        headers: { authorization: credentials.authorization },
      })
      return response.status === 503 ? response : undefined
    }, 20_000)
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await away.json()).toEqual({ error: 'Service Unavailable' })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await upload(server, credentials)).status).toBe(503)
    await postgres.resume()
    await waitFor(async () => ((await upload(server, credentials)).status === 201 ? true : undefined), 20_000)
    expect(await list(server, credentials)).toHaveLength(2)
    await waitFor(async () => ((await fetch(`${server.url}/readyz`)).status === 200 ? true : undefined), 10_000)
    expect(await server.stop()).toBe(0)
  }, 90_000)

  it('is the only one on it', async () => {
    const [credentials, url] = [makeCredentials(), await postgres.database()]
    const server = await start(freshDir(), credentials, url)
    await expect(start(freshDir(), credentials, url)).rejects.toThrow(
      /exit code 4: .*Another server uses this catalogue/s,
    )
    await server.kill()
    const next = await waitFor(() => start(freshDir(), credentials, url).catch(() => undefined), 20_000)
    expect(await next.stop()).toBe(0)
  }, 60_000)

  it('is reached over TLS', async () => {
    const credentials = makeCredentials()
    const server = await start(freshDir(), credentials, verified(await postgres.database(), authority))
    expect((await upload(server, credentials)).status).toBe(201)
    const connections = await postgres.run(
      "SELECT DISTINCT application_name, ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'poulsen%' ORDER BY 1",
    )
    expect(connections).toEqual([
      { application_name: 'poulsen', ssl: true },
      { application_name: 'poulsen lock', ssl: true },
    ])
    expect(await server.stop()).toBe(0)
  }, 60_000)

  it('that cannot be opened stops the start with one line, without the password', async () => {
    const credentials = makeCredentials()
    const [newer, closed] = [await postgres.database(), await postgres.database()]
    await postgres.run('CREATE TABLE poulsen_schema AS SELECT 1000000 AS version', new URL(newer).pathname.slice(1))
    await postgres.run("CREATE ROLE guest LOGIN PASSWORD 'wrong-one'")
    const cases: readonly (readonly [url: string, line: RegExp])[] = [
      [
        postgres.url('nothing'),
        /The catalogue postgres:\/\/postgres@127\.0\.0\.1:\d+\/nothing cannot be opened: there is no such database\./,
      ],
      [postgres.url('postgres', 'wrong-one'), /cannot be opened: the user or the password is wrong\./],
      [closed.replace(/\/\/.*@/, '//guest:wrong-one@'), /cannot be opened: the user may not create tables there\./],
      [
        verified(closed, stranger),
        /cannot be opened: nobody who is trusted .* has signed the certificate of the server\./,
      ],
      [newer, /The catalogue has version 1000000; this program knows versions up to \d+\./],
      ['postgres://postgres@127.0.0.1:1/x', /cannot be opened: nobody listens there\./],
      ['mysql://localhost/x', /POULSEN_CATALOGUE=\(hidden\) is not allowed; allowed: sqlite, or postgres:\/\//],
    ]
    for (const [url, line] of cases) {
      const error = await start(freshDir(), credentials, url).catch((thrown: Error) => thrown)
      expect(error).toBeInstanceOf(Error)
      const [, printed = ''] = /exit code \d+: (.*)/s.exec((error as Error).message) ?? []
      expect(printed).toMatch(/^poulsen: .+\n(?:hint: .+\n)?$/)
      expect(printed).toMatch(line)
      expect(printed).not.toContain('wrong-one')
    }
  }, 60_000)
})
