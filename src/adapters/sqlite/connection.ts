import Database from 'better-sqlite3'

const BUSY_TIMEOUT_MS = 10_000
/** As much as SQLite maps at most; pages of the file beyond it go through the page cache of the connection, which grows only then. */
const MMAP_BYTES = 2 * 1024 ** 3
const READER_CACHE_KIB = 128 * 1024
const JOURNAL_MAX_BYTES = 64 * 1024 ** 2

/**
 * A connection to a catalogue file. Pragmas in this order: wait for other processes before anything else can meet a lock; then the journal mode,
 * which is kept in the file; then what each connection decides for itself.
 */
export const openConnection = (path: string, options: { readonly isReader: boolean }): Database.Database => {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    database.pragma('journal_mode = WAL')
    // FULL: a commit is on disk when it returns. NORMAL would lose the last commits with the power.
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    database.pragma(`mmap_size = ${MMAP_BYTES}`)
    database.pragma(`journal_size_limit = ${JOURNAL_MAX_BYTES}`)
    if (options.isReader) {
      database.pragma('query_only = ON')
      database.pragma(`cache_size = -${READER_CACHE_KIB}`)
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
