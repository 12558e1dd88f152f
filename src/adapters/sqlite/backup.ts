import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { PoulsenError } from '../../domain/errors.ts'
import { openConnection } from './connection.ts'
import { translateError } from './translate-error.ts'

const PRIVATE_FILE = 0o600
/** 16 MiB of a catalogue's pages, between which this process does something else. */
const STEP_PAGES = 4096
/** What SQLite keeps beside a file. */
const BESIDE = ['-wal', '-shm', '-journal']

/** A catalogue and where its copy goes. */
export interface SqliteBackupOptions {
  readonly from: string
  readonly to: string
}

/**
 * Copies a catalogue that is in use, as it was at one moment, by SQLite's online backup: readers and the writer go on. What is at `to` is replaced; the copy is closed to other users, and
 * whole in itself. Rejects with CATALOGUE_CORRUPT when the copy is not in order, which means that the catalogue is not, and with CATALOGUE_UNAVAILABLE.
 */
export const copySqliteCatalogue = async ({ from, to }: SqliteBackupOptions): Promise<void> => {
  try {
    removeDatabase(to)
    closeSync(openSync(to, 'wx', PRIVATE_FILE))
    await copy(from, to)
    requireWhole(to)
  } catch (error) {
    removeDatabase(to)
    throw translateError(error)
  }
}

/** Puts a copy, which nobody has open, in the place of an older one, durably: at every moment one of the two is there, whole. */
export const publishSqliteCatalogue = ({ from, to }: SqliteBackupOptions): void => {
  sync(from)
  // Of the older one: beside the new one they would be taken for its own.
  for (const end of BESIDE) rmSync(to + end, { force: true })
  renameSync(from, to)
  sync(dirname(to))
}

const copy = async (from: string, to: string): Promise<void> => {
  const source = openConnection(from, { isReader: true })
  try {
    // All of it on one snapshot: without that, every commit of the server would make the copy begin again.
    source.exec('BEGIN; SELECT count(*) FROM sqlite_schema')
    await source.backup(to, { progress: () => STEP_PAGES })
  } finally {
    source.close()
  }
}

const requireWhole = (path: string): void => {
  const database = new Database(path, { fileMustExist: true })
  try {
    const found = database.pragma('quick_check(1)', { simple: true })
    if (found !== 'ok') throw damaged(String(found))
  } finally {
    database.close()
  }
}

const removeDatabase = (path: string): void => {
  for (const end of ['', ...BESIDE]) rmSync(path + end, { force: true })
}

const sync = (path: string): void => {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const damaged = (found: string): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_CORRUPT',
    kind: 'corrupt',
    message: `The catalogue is damaged, and so would its copy be: ${found}.`,
    hint: 'What was backed up before is untouched; restore that.',
  })
