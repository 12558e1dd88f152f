import type { Database, Statement } from 'better-sqlite3'

/**
 * One read transaction for all reads of one turn of the event loop: each transaction takes and gives back a lock on the file, which costs as much
 * as the read itself. The owner ends it before it tells anybody of a commit, so that who has heard of a write reads it.
 */
export class SharedSnapshot {
  readonly #database: Database
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #end = () => this.end()
  #isOpen = false

  constructor(database: Database) {
    this.#database = database
    this.#begin = database.prepare('BEGIN')
    this.#commit = database.prepare('COMMIT')
  }

  /** Makes the reads that follow in this turn share a snapshot, from the first of them on. Throws SQLite's errors. */
  open(): void {
    if (this.#isOpen) return
    this.#begin.run()
    this.#isOpen = true
    setImmediate(this.#end)
  }

  /** Ends it early; the next read sees everything committed until then. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#database.inTransaction) this.#commit.run()
  }
}
