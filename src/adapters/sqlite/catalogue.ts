import type { Database, Statement } from 'better-sqlite3'
import type { Catalogue } from '../../ports/catalogue.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { unavailable } from '../sql/errors.ts'
import type { Cell } from '../sql/rows.ts'
import { SqlCatalogue } from '../sql/sql-catalogue.ts'
import type { ReadName, SqlDriver, WriteStep } from '../sql/sql-driver.ts'
import { openConnection } from './connection.ts'
import { type Migration, migrate } from './migrations.ts'
import { SharedSnapshot } from './shared-snapshot.ts'
import { READS } from './statements.ts'
import { translateError } from './translate-error.ts'
import { Writer } from './writer.ts'

/** What it is called in a data folder, and in a backup. */
export const CATALOGUE_FILE = 'catalogue.sqlite'

/** Where the catalogue is and who hears of its commits. */
export interface SqliteCatalogueOptions {
  readonly path: string
  readonly telemetry: Telemetry
  /** For tests of upgrades. */
  readonly migrations?: readonly Migration[]
}

/**
 * Opens (creates, migrates) a catalogue in one SQLite file. Rejects with CATALOGUE_NEWER, CATALOGUE_CORRUPT or CATALOGUE_UNAVAILABLE.
 * Reads run on the calling thread: a point read takes microseconds, and in WAL mode no writer ever blocks it.
 */
export const openSqliteCatalogue = async (options: SqliteCatalogueOptions): Promise<Catalogue> => {
  try {
    const first = openConnection(options.path, { isReader: false })
    try {
      migrate(first, options.migrations)
    } finally {
      first.close()
    }
    const reader = openConnection(options.path, { isReader: true })
    const snapshot = new SharedSnapshot(reader)
    const writer = new Writer(options.path, { telemetry: options.telemetry, onCommit: () => snapshot.end() })
    return new SqlCatalogue(new SqliteDriver(reader, snapshot, writer))
  } catch (error) {
    throw translateError(error)
  }
}

class SqliteDriver implements SqlDriver {
  readonly #database: Database
  readonly #snapshot: SharedSnapshot
  readonly #writer: Writer
  readonly #reads: Readonly<Record<ReadName, Statement<unknown[]>>>
  #isOpen = true

  constructor(database: Database, snapshot: SharedSnapshot, writer: Writer) {
    this.#database = database
    this.#snapshot = snapshot
    this.#writer = writer
    const prepare = ([name, sql]: [string, string]) => [name, database.prepare(sql).raw()]
    this.#reads = Object.fromEntries(Object.entries(READS).map(prepare))
  }

  get(name: ReadName, ...cells: readonly Cell[]): unknown {
    this.#requireOpen()
    try {
      this.#snapshot.open()
      return this.#reads[name].get(...cells)
    } catch (error) {
      throw translateError(error)
    }
  }

  all(name: ReadName, ...cells: readonly Cell[]): readonly unknown[] {
    this.#requireOpen()
    try {
      this.#snapshot.open()
      return this.#reads[name].all(...cells)
    } catch (error) {
      throw translateError(error)
    }
  }

  write(...steps: readonly WriteStep[]): Promise<unknown> {
    return this.#writer.write(...steps)
  }

  async check(): Promise<void> {
    this.#writer.check()
    this.all('listProjects')
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await this.#writer.close()
    this.#snapshot.end()
    this.#database.close()
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw unavailable('The catalogue is closed.', 'The server is stopping.')
  }
}
