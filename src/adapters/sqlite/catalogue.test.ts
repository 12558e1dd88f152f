import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import {
  aFingerprint,
  aLiveRecording,
  aProject,
  aRecording,
  aTrunk,
  someCallDetails,
  someCredentials,
  someMetadata,
} from '../../../test/builders/values.ts'
import { describeCatalogue } from '../../../test/contract/catalogue.contract.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Trunk } from '../../domain/trunk.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { NO_TELEMETRY, type Telemetry } from '../../ports/telemetry.ts'
import { type Cell, projectCells, recordingCells } from '../sql/rows.ts'
import { openSqliteCatalogue } from './catalogue.ts'
import { MIGRATIONS } from './migrations.ts'
import { acquireServerLock } from './server-lock.ts'
import { READS } from './statements.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A trunk's row as the third version had it. */
const oldTrunkCells = ({ credentials, ...trunk }: Trunk): Cell[] => [
  trunk.id,
  trunk.projectId,
  trunk.name,
  trunk.legType,
  trunk.networks.join(' '),
  credentials?.username ?? null,
  credentials?.ha1Sha256 ?? null,
  credentials?.ha1Md5 ?? null,
  trunk.callMaxSeconds ?? null,
  trunk.codecs.join(' '),
  trunk.createdAtMs,
]

let files = 0
const freshPath = (): string => join(folder, `catalogue-${files++}.sqlite`)
/** What version 0.1 wrote. */
/** Columns of recordings in the first release. */
const FIRST_COLUMNS = 19
const RELEASED_VERSION = 2

const open = (path: string, more: { telemetry?: Telemetry; migrations?: typeof MIGRATIONS } = {}): Promise<Catalogue> =>
  openSqliteCatalogue({ path, telemetry: NO_TELEMETRY, ...more })

describeCatalogue('sqlite', () => open(freshPath()))

describe('the SQLite catalogue', () => {
  it('keeps what was written when it is opened again', async () => {
    const path = freshPath()
    const first = await open(path)
    const project = aProject()
    await first.createProject(project)
    const accepted = Array.from({ length: 50 }, () => first.createRecording(aRecording(project.id)))
    await first.close()
    await Promise.all(accepted)
    await expect(first.findProject(project.id)).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
    await expect(first.createProject(aProject())).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
    const second = await open(path)
    expect((await second.listRecordings(project.id, { limit: 100 })).items).toHaveLength(50)
    await second.close()
  })

  it('is shared by two processes: each sees what the other wrote', async () => {
    const path = freshPath()
    const [one, two] = [await open(path), await open(path)]
    const projects = Array.from({ length: 20 }, () => aProject())
    await Promise.all(projects.map((project, index) => (index % 2 ? one : two).createProject(project)))
    for (const project of projects) expect(await one.findProject(project.id)).toEqual(project)
    await one.close()
    await two.close()
  })

  it('commits writes that arrive together in few commits', async () => {
    const sizes: number[] = []
    const catalogue = await open(freshPath(), {
      telemetry: { ...NO_TELEMETRY, catalogueWrite: (_seconds, size) => void sizes.push(size) },
    })
    const project = aProject()
    await catalogue.createProject(project)
    await Promise.all(Array.from({ length: 500 }, () => catalogue.createRecording(aRecording(project.id))))
    expect(sizes.reduce((sum, size) => sum + size)).toBe(501)
    expect(sizes.length).toBeLessThan(10)
    await catalogue.close()
  })

  it('refuses a catalogue that a newer program wrote', async () => {
    const path = freshPath()
    await (await open(path)).close()
    const database = new Database(path)
    database.pragma('user_version = 99')
    database.close()
    await expect(open(path)).rejects.toMatchObject({
      code: 'CATALOGUE_NEWER',
      message: expect.stringContaining('version 99'),
    })
  })

  it('migrates an older one, once, even when two open it at the same time', async () => {
    const path = freshPath()
    const old = new Database(path)
    old.exec(MIGRATIONS[0]?.sql ?? '')
    old.pragma('application_id = 1349481836')
    old.pragma('user_version = 1')
    old.close()
    const both = await Promise.all([open(path), open(path)])
    const project = aProject()
    await both[0].createProject(project)
    expect(await both[1].findProject(project.id)).toEqual(project)
    for (const each of both) await each.close()
    const database = new Database(path)
    expect(database.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
    database.close()
  })

  it('leaves an older one as it was when a migration fails', async () => {
    const path = freshPath()
    await (await open(path)).close()
    const broken = [...MIGRATIONS, { name: 'broken', sql: 'CREATE TABLE extra (a); SELECT * FROM nowhere;' }]
    await expect(open(path, { migrations: broken })).rejects.toThrow()
    const catalogue = await open(path)
    await catalogue.check()
    await catalogue.close()
  })

  it.each([
    ['text', 'this is no database at all, but it is long enough to be read as one, is it not?'.repeat(20)],
    ['a damaged header', `SQLite format 3\0${'x'.repeat(5000)}`],
  ])('refuses %s', async (_name, bytes) => {
    const path = freshPath()
    writeFileSync(path, bytes)
    await expect(open(path)).rejects.toMatchObject({ code: 'CATALOGUE_CORRUPT' })
  })

  it("refuses another program's SQLite file, and leaves it alone", async () => {
    const path = freshPath()
    const other = new Database(path)
    other.exec('CREATE TABLE theirs (a)')
    other.close()
    await expect(open(path)).rejects.toMatchObject({ code: 'CATALOGUE_CORRUPT' })
    const again = new Database(path)
    expect(again.prepare('SELECT name FROM sqlite_master').pluck().all()).toEqual(['theirs'])
    again.close()
  })

  it('upgrades a catalogue of the first release with all that is in it', async () => {
    const path = freshPath()
    const [project, recording] = [aProject(), aRecording('')]
    const old = new Database(path)
    for (const { sql } of MIGRATIONS.slice(0, RELEASED_VERSION)) old.exec(sql)
    old.pragma('application_id = 1349481836')
    old.pragma(`user_version = ${RELEASED_VERSION}`)
    const stored: Recording = { ...recording, projectId: project.id }
    const insert = (table: string, cells: readonly Cell[]) =>
      old.prepare(`INSERT INTO ${table} VALUES (${cells.map(() => '?').join(', ')})`).run(...cells)
    insert('projects', projectCells(project))
    insert('recordings', recordingCells(stored).slice(0, FIRST_COLUMNS))
    old.close()
    const catalogue = await open(path)
    expect(await catalogue.listProjects()).toEqual([project])
    expect(await catalogue.findRecording(project.id, recording.id)).toEqual(stored)
    expect(await catalogue.findCallDetails(project.id, recording.id)).toBeUndefined()
    expect(await catalogue.listUnsettled()).toEqual([])
    const trunk = aTrunk(project.id)
    await catalogue.createTrunk(trunk)
    const live = aLiveRecording(project.id)
    await catalogue.createRecording(live, someCallDetails())
    expect(await catalogue.listUnsettled()).toEqual([live])
    await catalogue.close()
  })

  it('upgrades the trunks of an older one, all open to SRTP and RTP and wanting no certificate', async () => {
    const path = freshPath()
    const [project, recording] = [aProject(), aRecording('')]
    const stored: Recording = { ...recording, projectId: project.id }
    const networked = aTrunk(project.id, { networks: ['10.0.0.0/8', '::1'], callMaxSeconds: 60, createdAtMs: 1 })
    const guarded = aTrunk(project.id, { networks: [], credentials: someCredentials(), codecs: ['opus', 'PCMU'] })
    const old = new Database(path)
    for (const { sql } of MIGRATIONS.slice(0, 3)) old.exec(sql)
    old.pragma('application_id = 1349481836')
    old.pragma('user_version = 3')
    const insert = (table: string, cells: readonly Cell[]) =>
      old.prepare(`INSERT INTO ${table} VALUES (${cells.map(() => '?').join(', ')})`).run(...cells)
    insert('projects', projectCells(project))
    insert('recordings', recordingCells(stored).slice(0, FIRST_COLUMNS))
    for (const trunk of [networked, guarded]) insert('trunks', oldTrunkCells(trunk))
    old.close()
    const catalogue = await open(path)
    expect(await catalogue.listTrunks(project.id)).toEqual([networked, guarded])
    const rival = aTrunk(project.id, { credentials: guarded.credentials ?? someCredentials() })
    await expect(catalogue.createTrunk(rival)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
    const certified = { networks: [], certificates: [aFingerprint()] }
    expect(await catalogue.updateTrunk(networked.id, certified)).toEqual({ ...networked, ...certified })
    const version = someMetadata()
    await catalogue.appendMetadata(project.id, stored.id, version)
    expect(await catalogue.listMetadata(project.id, stored.id)).toEqual([version])
    await catalogue.deleteRecording(project.id, stored.id)
    await catalogue.deleteProject(project.id)
    expect(await catalogue.listTrunks()).toEqual([])
    await catalogue.close()
  })

  it('keeps nothing of the metadata of what was deleted', async () => {
    const path = freshPath()
    const catalogue = await open(path)
    const project = aProject()
    await catalogue.createProject(project)
    const live = aLiveRecording(project.id)
    await catalogue.createRecording(live, someCallDetails(), someMetadata())
    await catalogue.deleteRecording(project.id, live.id)
    await catalogue.close()
    const database = new Database(path)
    expect(database.prepare('SELECT count(*) FROM metadata_versions').pluck().get()).toBe(0)
    database.close()
  })

  it.each(['listUnsettled', 'listUnsealed'] as const)('reads only its partial index for %s', async (name) => {
    const path = freshPath()
    await (await open(path)).close()
    const database = new Database(path)
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${READS[name].replace('?', '9')}`).all() as { detail: string }[]
    expect(plan[0]?.detail).toMatch(/^SCAN recordings USING INDEX recordings_unse/)
    database.close()
  })
})

describe('the server lock', () => {
  it('names its holder to a second server, and frees itself', () => {
    const path = freshPath()
    const lock = acquireServerLock(path, { pid: 4711 })
    lock.describe('http://127.0.0.1:1')
    expect(() => acquireServerLock(path, { pid: 2 })).toThrow(/pid 4711, since .*, at http:\/\/127.0.0.1:1/)
    lock.release()
    acquireServerLock(path, { pid: 2 }).release()
  })

  it('vanishes with a process that is killed', async () => {
    const path = freshPath()
    const program = `
      const { acquireServerLock } = await import(${JSON.stringify(new URL('./server-lock.ts', import.meta.url).href)})
      const lock = acquireServerLock(${JSON.stringify(path)}, { pid: process.pid })
      console.log('held')
      setInterval(() => lock, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    await once(child.stdout, 'data')
    expect(() => acquireServerLock(path, { pid: 2 })).toThrow(`pid ${child.pid}`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    acquireServerLock(path, { pid: 2 }).release()
  })
})
