import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { CephServer } from '../support/ceph.ts'
import { PostgresServer } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'
import { killMigrateAt, type MigrateOptions, runMigrate } from './support/migrate-process.ts'
import { contentOfFolder, fillForMigration } from './support/migration-source.ts'
import { beginReading, hasBytes, listPages, mediaOf } from './support/reader.ts'

const INSTALL_MS = 600_000
const TEST_MS = 1_800_000
const RECORDINGS = Number(process.env.MIGRATION_RECORDINGS ?? 300)
const KILLS = Number(process.env.MIGRATION_KILLS ?? 3)
const FEW = 60
const PAGE_SIZE = 100
const MEDIA_COMPARED_MAX = 500
const MS_PER_SECOND = 1000

const root = mkdtempSync(join(tmpdir(), 'poulsen-migration-'))
const credentials = makeCredentials()
const [sourceDir, nodeDir, backDir] = ['source', 'node', 'back'].map((name) => join(root, name)) as [
  string,
  string,
  string,
]
let postgres: PostgresServer
let s3: CephServer
let environment: Readonly<Record<string, string>>
let shared: Readonly<Record<string, string>>
const running = new Set<RunningServer>()

beforeAll(async () => {
  ;[postgres, s3] = await Promise.all([PostgresServer.start(), CephServer.start()])
  const { accessKeyId, secretAccessKey } = s3.credentials
  environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  shared = {
    POULSEN_CATALOGUE: await postgres.database(),
    POULSEN_MEDIA_STORE: `s3://${await s3.bucket()}/calls?endpoint=${s3.endpoint}`,
  }
  await (await start(sourceDir)).stop()
  await fillForMigration(sourceDir, credentials.projectId, RECORDINGS)
}, INSTALL_MS)
afterAll(async () => {
  for (const server of running) await server.kill()
  await Promise.all([postgres?.stop(), s3?.stop()])
  rmSync(root, { recursive: true, force: true })
})

/** Starts a server, once more where the machine was too busy to do so in time. */
const start = async (dataDir: string, more: Readonly<Record<string, string>> = {}): Promise<RunningServer> => {
  const again = (error: unknown) => {
    if (!/no start/.test(String(error))) throw error
    return startServer(dataDir, credentials, more)
  }
  const server = await startServer(dataDir, credentials, more).catch(again).catch(again)
  running.add(server)
  return server
}
const sharedNode = () => start(nodeDir, { ...environment, ...shared })
const sharedSide = () => Object.values(shared)

const rowsInPostgres = async (): Promise<number> => {
  const name = new URL(shared.POULSEN_CATALOGUE ?? '').pathname.slice(1)
  const [row] = await postgres.run('SELECT count(*)::int AS count FROM recordings', name).catch(() => [])
  return Number(row?.count ?? 0)
}
const rowsInFolder = async (): Promise<number> => {
  try {
    const database = new Database(join(backDir, 'catalogue.sqlite'), { readonly: true, fileMustExist: true })
    const count = database.prepare('SELECT count(*) FROM recordings').pluck().get() as number
    database.close()
    return count
  } catch {
    return 0
  }
}

const request = (server: RunningServer, path: string, init: RequestInit) =>
  fetch(new URL(path, server.url), { ...init, headers: { authorization: credentials.authorization, ...init.headers } })

/** What happens at a source between two runs: something new, something gone; their ids. */
const changeSource = async (server: RunningServer) => {
  const type = { 'content-type': 'audio/wav' }
  const made = await request(server, '/v1/recordings?leg_type=sip', {
    method: 'POST',
    headers: type,
    body: wavOf(9, 9_000),
  })
  expect(made.status).toBe(201)
  const [, , last = []] = await listPages(server, credentials, PAGE_SIZE)
  const gone = await request(server, `/api/relay/rest/recordings/${last[3]?.id}`, { method: 'DELETE' })
  expect(gone.status).toBe(204)
  return { made: ((await made.json()) as { id: string }).id, gone: last[3]?.id ?? '' }
}

/** The list of a server that is started for it. */
const pagesOf = async (dataDir: string, more: Readonly<Record<string, string>>) => {
  const server = await start(dataDir, more)
  const pages = await listPages(server, credentials, PAGE_SIZE)
  await server.stop()
  return pages
}

/** Whose bytes a file of the media folder has. */
const idIn = (name: string): string => name.split('/')[2]?.split('.')[0] ?? ''

/** True when nothing is on the disk of a node that is on its way to S3, as `/readyz` has it. */
const hasMoved = async (server: RunningServer): Promise<true | undefined> => {
  const { spool } = (await (await request(server, '/readyz', {})).json()) as { spool?: { recordings: number } }
  return !spool || spool.recordings === 0 || undefined
}

/** Moves everything while the source serves, killed again and again on the way; then what changed meanwhile, with the source stopped. Gives the pages of the source's list, and what changed. */
const moveAll = async (options: MigrateOptions, source: RunningServer, countDone: () => Promise<number>) => {
  const reading = beginReading(source, credentials)
  const begunMs = performance.now()
  let killed = 0
  for (let kill = 1; kill <= KILLS; kill += 1)
    // The last comes halfway, so that a quick machine is not done before.
    if (await killMigrateAt(options, Math.floor((kill * RECORDINGS) / (2 * KILLS)), countDone)) killed += 1
  const first = await runMigrate(options)
  const seconds = (performance.now() - begunMs) / MS_PER_SECOND
  const read = await reading.stop()
  expect(first).toMatchObject({ code: 0, complete: false, source_served: true, left_count: 0, wrong_count: 0 })
  expect(killed).toBe(KILLS)
  expect(first.copied).toBeLessThan(RECORDINGS)
  expect(read.answers).toBeGreaterThan(5)
  const changes = await changeSource(source)
  await waitFor(() => hasMoved(source), INSTALL_MS)
  const pages = await listPages(source, credentials, PAGE_SIZE)
  expect(await source.stop()).toBe(0)
  const finalMs = performance.now()
  const last = await runMigrate(options)
  const finalSeconds = (performance.now() - finalMs) / MS_PER_SECOND
  expect(last).toMatchObject({ code: 0, complete: true, source_served: false, copied: 1, removed: 1, wrong_count: 0 })
  console.info(
    `${RECORDINGS} recordings in ${seconds.toFixed(1)} s, ${KILLS} kills included: ${(RECORDINGS / seconds).toFixed(0)}/s; ` +
      `the last run ${finalSeconds.toFixed(1)} s; meanwhile ${read.answers} reads, the longest ${read.longestMs.toFixed(0)} ms`,
  )
  return { pages, ...changes }
}

it(
  'moves a data folder to PostgreSQL and S3 and back, through kills, while the source answers',
  async () => {
    const there = { from: [sourceDir], to: sharedSide(), environment }
    const { pages } = await moveAll(there, await start(sourceDir), rowsInPostgres)
    const node = await sharedNode()
    expect(await listPages(node, credentials, PAGE_SIZE)).toEqual(pages)
    const hashes = new Map(contentOfFolder(sourceDir).files?.map((line) => [idIn(line), line.split(' ')[1]]))
    for (const each of pages.flat().filter(hasBytes).slice(0, MEDIA_COMPARED_MAX))
      expect(hash('sha256', await mediaOf(node, credentials, each))).toBe(hashes.get(each.id))
    // What a server has taken over is no copy any more.
    await expect(runMigrate(there)).rejects.toThrow(/The target is in use/)

    const back = { from: sharedSide(), to: [backDir], environment }
    const { pages: pagesThere, made, gone } = await moveAll(back, node, rowsInFolder)
    await expect(runMigrate(there)).rejects.toThrow(/not a copy that can be gone on with: it has projects already/)
    const returned = await start(backDir)
    expect(await listPages(returned, credentials, PAGE_SIZE)).toEqual(pagesThere)
    await returned.stop()

    // All that was not changed on the way back is in the folder again, byte for byte.
    const [before, after] = [contentOfFolder(sourceDir), contentOfFolder(backDir)]
    for (const table of Object.keys(before)) {
      const [rowsBefore, rowsAfter] = [new Set(before[table]), new Set(after[table])]
      const lost = [...rowsBefore.difference(rowsAfter)].filter((row) => !row.includes(gone))
      const added = [...rowsAfter.difference(rowsBefore)].filter((row) => !row.includes(made))
      expect([lost, added], table).toEqual([[], []])
    }
  },
  TEST_MS,
)

it(
  'moves the catalogue alone, and leaves the media where it is',
  async () => {
    const [folder, url] = [join(root, 'alone'), await postgres.database()]
    await (await start(folder)).stop()
    await fillForMigration(folder, credentials.projectId, FEW)
    const before = contentOfFolder(folder)
    const options = { from: [folder], to: [url, folder], environment }
    expect(await runMigrate(options)).toMatchObject({ code: 0, complete: true, copied: FEW, wrong_count: 0 })
    expect(await runMigrate(options)).toMatchObject({ code: 0, complete: true, unchanged: FEW, bytes: 0 })
    expect(contentOfFolder(folder)).toEqual(before)
    const pages = await pagesOf(folder, {})
    expect(await pagesOf(folder, { POULSEN_CATALOGUE: url })).toEqual(pages)
  },
  INSTALL_MS,
)
