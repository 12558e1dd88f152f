import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { aTelemetry } from '../../../test/builders/services.ts'
import { PostgresServer } from '../../../test/support/postgres.ts'
import { POSTGRES_MAJORS } from '../../../test/support/postgres-packages.ts'
import { type Certificate, selfSigned, signedBy } from '../../../test/support/self-signed.ts'
import { openPostgresCatalogue } from './catalogue.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-certificates-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const DAY_MS = 86_400_000
const HOSTS = ['127.0.0.1']
const authority = selfSigned({ name: 'authority', isAuthority: true })
const stranger = selfSigned({ name: 'stranger', isAuthority: true })
const certificate = signedBy(authority, { hosts: HOSTS })
const expired = { validFrom: new Date(Date.now() - 2 * DAY_MS), validTo: new Date(Date.now() - DAY_MS) }

/** A PEM in a file; its path. */
const file = (name: string, pem: string): string => {
  const path = join(folder, name)
  writeFileSync(path, pem)
  return path
}
const [trusted, untrusted] = [file('authority.pem', authority.cert), file('stranger.pem', stranger.cert)]
const VERIFIED = `sslmode=verify-full&sslrootcert=${trusted}`

/** A client's certificate and key, as the URL names them. */
const shown = (name: string, { cert, key }: Certificate): string =>
  `sslcert=${file(`${name}.pem`, cert)}&sslkey=${file(`${name}.key`, key)}`

const open = async (url: string) => openPostgresCatalogue({ url, telemetry: aTelemetry() })

/** Why it was not opened. */
const reasonOf = async (url: string): Promise<string> => {
  const error = (await open(url).catch((thrown: unknown) => thrown)) as Error
  expect(error).toMatchObject({ code: 'CATALOGUE_UNAVAILABLE', retryable: true })
  const { username, password, host, pathname } = new URL(url)
  const [, reason = ''] = error.message.split(
    `The catalogue postgres://${username}@${host}${pathname} cannot be opened: `,
  )
  if (password) expect(error.message).not.toContain(password)
  return reason
}

describe.each(POSTGRES_MAJORS)('a start on PostgreSQL %i', (major) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await PostgresServer.start({ major })
    await server.run("CREATE ROLE guest LOGIN PASSWORD 'guest-secret'")
  }, 300_000)
  afterAll(() => server?.stop())

  /** A database that an administrator has changed, as `guest` comes to it. */
  const changed = async (change: (name: string) => string): Promise<string> => {
    const url = new URL(await server.database())
    const name = url.pathname.slice(1)
    await server.run(change(name), name)
    url.username = 'guest'
    url.password = 'guest-secret'
    return url.href
  }

  it.each<readonly [what: string, url: () => Promise<string> | string, reason: RegExp]>([
    ['the port', () => 'postgres://guest@127.0.0.1:1/x', /^nobody listens there\.$/],
    [
      'the host',
      () => 'postgres://guest@no-such-host.invalid/x',
      /^the host name (?:is not known|cannot be looked up)\.$/,
    ],
    [
      'the password',
      async () => (await server.database()).replace(server.password, 'wrong-one'),
      /^the user or the password is wrong\.$/,
    ],
    [
      'the user',
      async () => (await server.database()).replace('//postgres:', '//nobody:'),
      /^the user or the password is wrong\.$/,
    ],
    ['the database', () => server.url('nothing'), /^there is no such database\.$/],
    [
      'the right to connect',
      () => changed((name) => `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`),
      /^the user may not connect to it\.$/,
    ],
    [
      'the right to create tables',
      () => changed(() => 'REVOKE CREATE ON SCHEMA public FROM PUBLIC'),
      /^the user may not create tables there\.$/,
    ],
    [
      'that it only reads',
      () =>
        changed(
          (name) =>
            `GRANT CREATE ON SCHEMA public TO guest; ALTER DATABASE ${name} SET default_transaction_read_only = on`,
        ),
      /^it is read-only there, as a standby is\.$/,
    ],
    [
      'that TLS is asked of one without',
      async () => `${await server.database()}?${VERIFIED}`,
      /^the server has no TLS\.$/,
    ],
    [
      'the certificate file',
      async () => `${await server.database()}?sslrootcert=/no/such.pem`,
      /no such file.*\/no\/such\.pem/,
    ],
  ])('says when it fails by %s', async (_what, url, reason) => {
    expect(await reasonOf(await url())).toMatch(reason)
  })

  it('needs nothing but the right to create tables', async () => {
    const catalogue = await open(await changed(() => 'GRANT CREATE ON SCHEMA public TO guest'))
    expect(await catalogue.listProjects()).toEqual([])
    await catalogue.close()
  })
})

describe('a start on what is not PostgreSQL', () => {
  let impostor: Server | undefined
  afterEach(() => impostor?.close())

  it.each<readonly [what: string, answer: (socket: Socket) => void, reason: string]>([
    ['hangs up', (socket) => socket.destroy(), 'what listens there is not PostgreSQL, or hangs up.'],
    [
      'speaks HTTP',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'what listens there is not PostgreSQL, or hangs up.',
    ],
    ['says nothing', () => {}, 'nobody answers there, or not as PostgreSQL does.'],
  ])('that %s says so', async (_what, answer, reason) => {
    impostor = createServer((socket) => answer(socket.on('error', () => {}))).listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    const url = `postgres://guest@127.0.0.1:${(impostor.address() as AddressInfo).port}/x`
    expect(await reasonOf(url)).toBe(reason)
  })
})

describe.each(POSTGRES_MAJORS)('a start on a PostgreSQL %i that demands TLS', (major) => {
  let server: PostgresServer
  let url: string
  beforeAll(async () => {
    const rules = ['hostssl all certified 127.0.0.1/32 cert', 'hostssl all all 127.0.0.1/32 password']
    server = await PostgresServer.start({ major, tls: { ...certificate, clientAuthority: authority.cert }, rules })
    url = await server.database()
    await server.run('CREATE ROLE certified LOGIN SUPERUSER')
  }, 300_000)
  afterAll(() => server?.stop())

  const certified = (): string => url.replace(/\/\/.*@/, '//certified@')
  const SEEN = `SELECT ssl, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'poulsen'`

  it.each([
    ['with its certificate and name checked', () => `${url}?${VERIFIED}`, null],
    ['with nothing checked', () => `${url}?sslmode=no-verify`, null],
    [
      "with a client's certificate",
      () => `${certified()}?${VERIFIED}&${shown('client', signedBy(authority, { name: 'certified' }))}`,
      '/CN=certified',
    ],
  ])('connects %s', async (_how, to, client) => {
    const catalogue = await open(to())
    expect(await catalogue.listProjects()).toEqual([])
    expect(await server.run(SEEN)).toEqual([{ ssl: true, client_dn: client }])
    await catalogue.close()
  })

  it.each([
    ['is not asked for TLS', () => url, 'the server does not let this user in without TLS (sslmode=verify-full).'],
    [
      'has a certificate of another authority',
      () => `${url}?sslmode=verify-full&sslrootcert=${untrusted}`,
      'nobody who is trusted (sslrootcert) has signed the certificate of the server.',
    ],
    [
      'has one of an authority that is nowhere named',
      () => `${url}?sslmode=require`,
      'nobody who is trusted (sslrootcert) has signed the certificate of the server.',
    ],
    [
      'has one for another host',
      () => `${url.replace('127.0.0.1', 'localhost')}?${VERIFIED}`,
      'the certificate of the server is for another host name.',
    ],
    ["wants a client's certificate", () => `${certified()}?${VERIFIED}`, 'the server does not let this user in.'],
    [
      "does not believe the client's",
      () => `${certified()}?${VERIFIED}&${shown('other', signedBy(stranger, { name: 'certified' }))}`,
      'the server does not trust the certificate in sslcert.',
    ],
  ])('says when the server %s', async (_what, to, reason) => {
    expect(await reasonOf(to())).toBe(reason)
  })
})

describe('a start on a PostgreSQL whose certificate has expired', () => {
  let server: PostgresServer
  beforeAll(async () => {
    const old = signedBy(authority, { hosts: HOSTS, ...expired })
    server = await PostgresServer.start({ tls: { ...old, clientAuthority: authority.cert } })
  }, 300_000)
  afterAll(() => server?.stop())

  it('says so', async () => {
    expect(await reasonOf(`${await server.database()}?${VERIFIED}`)).toBe(
      'the certificate of the server is out of date.',
    )
  })
})
