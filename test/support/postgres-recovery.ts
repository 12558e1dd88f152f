import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { PostgresServer } from './postgres.ts'
import { waitFor } from './wait-for.ts'

/** A server that archives its write-ahead log, and can be set back to a moment, as PostgreSQL's own manual has it (continuous archiving). */
export class RecoverablePostgres {
  readonly server: PostgresServer
  readonly #folder: string
  readonly #archive: string
  readonly #base: string

  private constructor(server: PostgresServer, folder: string, archive: string) {
    this.server = server
    this.#folder = folder
    this.#archive = archive
    this.#base = join(folder, 'base')
  }

  static async start(): Promise<RecoverablePostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-recovery-'))
    const archive = join(folder, 'archive')
    mkdirSync(archive)
    // The server is another user.
    chmodSync(folder, 0o755)
    chmodSync(archive, 0o777)
    const settings = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f`, wal_level: 'replica' }
    return new RecoverablePostgres(await PostgresServer.start({ settings }), folder, archive)
  }

  /** A copy of its files while it runs. */
  async takeBase(): Promise<void> {
    const client = new pg.Client({ connectionString: this.server.url('postgres') })
    await client.connect()
    try {
      await client.query("SELECT pg_backup_start('test', true)")
      execFileSync('cp', ['-a', this.server.dataFolder, this.#base])
      const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop()')
      this.#write('backup_label', rows[0]?.labelfile ?? '')
    } finally {
      await client.end()
    }
  }

  /** The moment by its clock. */
  async now(): Promise<string> {
    const [row] = await this.server.run('SELECT clock_timestamp()::text AS now')
    return String(row?.now)
  }

  /** Stops it, puts the base back, and lets it replay until that moment. */
  async setBackTo(moment: string): Promise<void> {
    const [row] = await this.server.run('SELECT pg_walfile_name(pg_switch_wal()) AS file')
    await waitFor(() => readdirSync(this.#archive).includes(String(row?.file)) || undefined)
    await this.server.halt()
    const { dataFolder } = this.server
    const recovery = {
      restore_command: `cp ${this.#archive}/%f %p`,
      recovery_target_time: moment,
      recovery_target_action: 'promote',
    }
    const lines = Object.entries(recovery).map(([name, value]) => `${name} = '${value}'\n`)
    this.#write('recovery.signal', '')
    this.#write('postgresql.auto.conf', lines.join(''))
    for (const name of ['postmaster.pid', 'postmaster.opts']) rmSync(join(this.#base, name), { force: true })
    rmSync(dataFolder, { recursive: true })
    execFileSync('cp', ['-a', this.#base, dataFolder])
    await this.server.resume()
    await waitFor(async () => {
      const [state] = await this.server.run('SELECT pg_is_in_recovery() AS recovering').catch(() => [])
      return state?.recovering === false || undefined
    }, 20_000)
  }

  async stop(): Promise<void> {
    await this.server.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(name: string, text: string): void {
    const path = join(this.#base, name)
    const { uid, gid } = statSync(this.#base)
    writeFileSync(path, text, { mode: 0o600 })
    execFileSync('chown', [`${uid}:${gid}`, path])
  }
}
