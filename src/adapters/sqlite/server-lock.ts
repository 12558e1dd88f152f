import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { PoulsenError } from '../../domain/errors.ts'

/** The right to be the only server on a data folder. */
export interface ServerLock {
  /** Lets a second server say where the first one listens. */
  describe(url: string): void
  release(): void
}

/** Where the holder says who it is; the locked file itself cannot be read by others. */
const noteOf = (path: string): string => `${path}.json`

/**
 * Takes the lock: an exclusive transaction on a small SQLite file, held for as long as the process lives. The kernel drops it with the
 * process, so `kill -9` leaves nothing to clean up. Whoever takes it must keep it: a lock that nobody holds any more is released. Throws DATA_DIR_IN_USE, naming the holder.
 */
export const acquireServerLock = (path: string, holder: { readonly pid: number }): ServerLock => {
  const database = new Database(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw inUse(path, cause)
  }
  const note = (more: object) =>
    writeFileSync(noteOf(path), JSON.stringify({ pid: holder.pid, since: new Date().toISOString(), ...more }))
  note({})
  return {
    describe: (url) => note({ url }),
    release: () => {
      rmSync(noteOf(path), { force: true })
      database.close()
    },
  }
}

const inUse = (path: string, cause: unknown): PoulsenError => {
  const { pid, since, url } = readNote(path)
  return new PoulsenError({
    code: 'DATA_DIR_IN_USE',
    kind: 'conflict',
    message: `Another server uses this data folder: pid ${pid ?? 'unknown'}${since ? `, since ${since}` : ''}${url ? `, at ${url}` : ''}.`,
    hint: 'Stop it first, or set POULSEN_DATA_DIR to another folder.',
    cause,
  })
}

const readNote = (path: string): { pid?: number; since?: string; url?: string } => {
  try {
    return JSON.parse(readFileSync(noteOf(path), 'utf8')) as { pid?: number; since?: string; url?: string }
  } catch {
    // Between taking the lock and writing the note there is none yet; the refusal stands without it.
    return {}
  }
}
