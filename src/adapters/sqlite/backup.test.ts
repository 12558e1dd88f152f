import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { aTelemetry } from '../../../test/builders/services.ts'
import { aProject, aRecording } from '../../../test/builders/values.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { recordingCells } from '../sql/rows.ts'
import { copySqliteCatalogue, publishSqliteCatalogue } from './backup.ts'
import { openSqliteCatalogue } from './catalogue.ts'
import { WRITES } from './statements.ts'

const root = mkdtempSync(join(tmpdir(), 'poulsen-sqlite-backup-'))
afterAll(() => rmSync(root, { recursive: true }))

let folder: string
let from: string
let to: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'))
  from = join(folder, 'catalogue.sqlite')
  to = join(folder, 'copy')
})

const open = (path: string): Promise<Catalogue> => openSqliteCatalogue({ path, telemetry: aTelemetry() })
const BEFORE = 40_000

/** More pages than go in one step, in one transaction. */
const fill = (path: string, projectId: string): void => {
  const database = new Database(path)
  const insert = database.prepare(WRITES.createRecording)
  database.transaction(() => {
    for (let count = 0; count < BEFORE; count += 1) insert.run(...recordingCells(aRecording(projectId)))
  })()
  database.close()
}

const countIn = (path: string): number => {
  const database = new Database(path, { readonly: true })
  try {
    return database.prepare('SELECT count(*) FROM recordings').pluck().get() as number
  } finally {
    database.close()
  }
}

it('copies what was committed before it began, while writes go on, and is whole', async () => {
  const catalogue = await open(from)
  const project = aProject()
  await catalogue.createProject(project)
  const write = () => catalogue.createRecording(aRecording(project.id))
  fill(from, project.id)
  let isRunning = true
  let more = 0
  const writing = (async () => {
    for (; isRunning; more += 1) await write()
  })()
  await copySqliteCatalogue({ from, to })
  isRunning = false
  await writing
  expect(more).toBeGreaterThan(0)
  expect(countIn(to)).toBeGreaterThanOrEqual(BEFORE)
  expect(countIn(to)).toBeLessThanOrEqual(BEFORE + more)
  expect(statSync(to).mode & 0o777).toBe(0o600)
  const copy = await open(to)
  expect(await copy.listProjects()).toEqual([project])
  await copy.close()
  await catalogue.close()
  expect(readdirSync(folder).sort()).toEqual(['catalogue.sqlite', 'copy'])
})

it('replaces what an earlier one has left, whatever it is', async () => {
  await (await open(from)).close()
  writeFileSync(to, 'half of something')
  writeFileSync(`${to}-wal`, 'of something else')
  await copySqliteCatalogue({ from, to })
  await (await open(to)).close()
})

it('puts the copy in the place of an older one, without what was beside that', async () => {
  const [catalogue, project, place] = [await open(from), aProject(), join(folder, 'place')]
  writeFileSync(place, 'older')
  writeFileSync(`${place}-wal`, 'of the older')
  await catalogue.createProject(project)
  await catalogue.close()
  await copySqliteCatalogue({ from, to })
  publishSqliteCatalogue({ from: to, to: place })
  expect([existsSync(to), existsSync(`${place}-wal`)]).toEqual([false, false])
  const placed = await open(place)
  expect(await placed.listProjects()).toEqual([project])
  await placed.close()
})

it('leaves nothing of a catalogue that is damaged somewhere', async () => {
  const [catalogue, project] = [await open(from), aProject()]
  await catalogue.createProject(project)
  await Promise.all(Array.from({ length: 2000 }, () => catalogue.createRecording(aRecording(project.id))))
  await catalogue.close()
  const file = openSync(from, 'r+')
  writeSync(file, Buffer.alloc(3 * 4096, 'x'), 0, 3 * 4096, Math.floor(statSync(from).size / 8192) * 4096)
  closeSync(file)
  await expect(copySqliteCatalogue({ from, to })).rejects.toMatchObject({ code: 'CATALOGUE_CORRUPT' })
  expect(existsSync(to)).toBe(false)
})

it('leaves nothing of a file that is no catalogue', async () => {
  writeFileSync(from, 'no catalogue at all'.repeat(100))
  await expect(copySqliteCatalogue({ from, to })).rejects.toMatchObject({ code: 'CATALOGUE_CORRUPT' })
  expect(existsSync(to)).toBe(false)
})

it('says so when the copy cannot be written', async () => {
  await (await open(from)).close()
  await expect(copySqliteCatalogue({ from, to: join(folder, 'none', 'copy') })).rejects.toMatchObject({
    code: 'ENOENT',
  })
})
