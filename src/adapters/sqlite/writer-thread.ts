// The one thread that writes. Takes groups of writes, commits each group in one transaction, answers after the commit.
import { parentPort, workerData } from 'node:worker_threads'
import type { Database, Statement } from 'better-sqlite3'
import type { WriteName, WriteStep } from '../sql/sql-driver.ts'
import { openConnection } from './connection.ts'
import { WRITES } from './statements.ts'
import type { CommitReport, WriteRequest, WriteResult, WriterData, WriterMessage } from './writer-messages.ts'

if (!parentPort) throw new Error('writer-thread.ts runs in a worker thread only')
const port = parentPort
const { path } = workerData as WriterData
const database: Database = openConnection(path, { isReader: false })
const prepared = new Map<WriteName, Statement<unknown[]>>(
  (Object.entries(WRITES) as [WriteName, string][]).map(([name, sql]) => [name, database.prepare(sql)]),
)

const describe = (error: unknown): { code: string; message: string } => {
  const { code, message } = error as { code?: string; message?: string }
  return { code: code ?? 'SQLITE_ERROR', message: message ?? String(error) }
}

const runStep = ({ name, cells }: WriteStep): { readonly row?: unknown; readonly isVain: boolean } => {
  const statement = prepared.get(name)
  if (!statement) throw new Error(`no write ${name}`)
  if (!statement.reader) {
    statement.run(...cells)
    return { isVain: false }
  }
  const row = statement.raw().get(...cells)
  return { row, isVain: row === undefined }
}

/** One write in a savepoint of its own, so that its failure leaves its neighbours alone. */
const writeOne = ({ id, steps: [first, ...others] }: WriteRequest): WriteResult => {
  if (!first) return { id }
  database.exec('SAVEPOINT one')
  try {
    const { row, isVain } = runStep(first)
    if (!isVain) others.forEach(runStep)
    database.exec('RELEASE one')
    return { id, row }
  } catch (error) {
    if (!database.inTransaction) throw error
    database.exec('ROLLBACK TO one; RELEASE one')
    return { id, error: describe(error) }
  }
}

const commit = (group: readonly WriteRequest[]): readonly WriteResult[] => {
  try {
    database.exec('BEGIN IMMEDIATE')
    const results = group.map(writeOne)
    database.exec('COMMIT')
    return results
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    return group.map(({ id }) => ({ id, error: describe(error) }))
  }
}

port.on('message', (message: WriterMessage) => {
  if (message === 'close') {
    database.close()
    port.close()
    return
  }
  const begunMs = performance.now()
  const results = commit(message)
  port.postMessage({ seconds: (performance.now() - begunMs) / 1000, results } satisfies CommitReport)
})
