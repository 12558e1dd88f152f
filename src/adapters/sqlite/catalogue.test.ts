import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { aProject, aRecording } from '../../../test/builders/values.ts'
import { describeCatalogue } from '../../../test/contract/catalogue.contract.ts'
import { MemoryCatalogue } from '../../../test/fakes/memory-catalogue.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { openSqliteCatalogue } from './catalogue.ts'
import { MIGRATIONS } from './migrations.ts'
import { acquireServerLock } from './server-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const freshPath = (): string => join(folder, `catalogue-${files++}.sqlite`)
const telemetry: Telemetry = { uploadEnded() {}, derivationEnded() {}, catalogueWrite() {}, sweepEnded() {} }
const open = (path: string, more: { telemetry?: Telemetry; migrations?: typeof MIGRATIONS } = {}): Promise<Catalogue> =>
  openSqliteCatalogue({ path, telemetry, ...more })

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
      telemetry: { ...telemetry, catalogueWrite: (_seconds, size) => void sizes.push(size) },
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

  it('answers as the model does, whatever is done to it', async () => {
    const real = await open(freshPath())
    const ids = fc.nat(3).map((n) => `00000000-0000-4000-8000-00000000000${n}`)
    const operation = fc.oneof(
      fc.record({ do: fc.constant('createProject' as const), id: ids, other: ids, time: fc.nat(3) }),
      fc.record({ do: fc.constant('deleteProject' as const), id: ids, other: ids, time: fc.nat(3) }),
      fc.record({ do: fc.constant('createRecording' as const), id: ids, other: ids, time: fc.nat(3) }),
      fc.record({ do: fc.constant('deleteRecording' as const), id: ids, other: ids, time: fc.nat(3) }),
      fc.record({ do: fc.constant('list' as const), id: ids, other: ids, time: fc.nat(3) }),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        const model = new MemoryCatalogue()
        const mine = (id: string) => id.replace('00000000-', `${(run % 0xffffff).toString(16).padStart(8, '0')}-`)
        run += 1
        for (const { do: what, id, other, time } of operations) {
          const project = aProject({ id: mine(id) })
          const recording = aRecording(mine(id), { id: mine(other), createdAtMs: time })
          const olderThan = time > 1 ? { olderThan: { createdAtMs: time, id: mine(other) } } : {}
          const apply = (catalogue: Catalogue): Promise<unknown> =>
            ({
              createProject: () => catalogue.createProject(project),
              deleteProject: () => catalogue.deleteProject(mine(id)),
              createRecording: () => catalogue.createRecording(recording),
              deleteRecording: () => catalogue.deleteRecording(mine(id), mine(other)),
              list: () => catalogue.listRecordings(mine(id), { limit: 2, ...olderThan }),
            })[what]()
          const outcome = (promise: Promise<unknown>) =>
            promise.then(
              (value) => ({ value }),
              ({ code }) => ({ code }),
            )
          expect(await outcome(apply(real))).toEqual(await outcome(apply(model)))
        }
      }),
      { numRuns: 60 },
    )
    await real.close()
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
