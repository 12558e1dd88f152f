import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** Milliseconds between neighbours. */
const STEP_MS = 10

/**
 * Multiplies the one recording of a stopped server to `count` more, older ones, in SQL: the ingest path would take an hour. Their audio is the one
 * recording's. Gives their ids, newest first.
 */
export const fillWithRecordings = (dataDir: string, count: number): readonly string[] => {
  const database = new Database(join(dataDir, 'catalogue.sqlite'))
  const template = database.prepare('SELECT * FROM recordings').get() as Record<string, unknown>
  const columns = Object.keys(template)
  const insert = database.prepare(`INSERT INTO recordings (${columns}) VALUES (${columns.map((name) => `@${name}`)})`)
  const ids = Array.from({ length: count }, () => randomUUID())
  database.transaction(() => {
    for (const [index, id] of ids.entries()) {
      insert.run({ ...template, id, created_at_ms: (template.created_at_ms as number) - (index + 1) * STEP_MS })
    }
  })()
  database.close()
  return ids
}
