import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openSqliteCatalogue } from '../../src/adapters/sqlite/catalogue.ts'
import type { Recording } from '../../src/domain/recording.ts'
import { aTelemetry } from '../builders/services.ts'
import { aGrowingRecording } from '../builders/values.ts'
import { type Cli, flipByte, golden, mediaFiles, sha256, useFolders } from './support/cli.ts'
import { all, done, exportOf, importOf, type Line, linesOf } from './support/trees.ts'

const folders = useFolders()
const SPEECH = golden('opus-mono.ogg')

const upload = (cli: Cli) => cli.json<Line>('recording', 'upload', SPEECH)

/** A recording as a live call leaves it at its end: everything but the hash is known. */
const anUnsealed = async (cli: Cli): Promise<Line> => {
  const line = await upload(cli)
  const database = new Database(join(cli.dataDir, 'catalogue.sqlite'))
  database.prepare('UPDATE recordings SET sha256 = NULL WHERE id = ?').run(line.id)
  database.close()
  return line
}

/** A call in progress, as a running server has it in the catalogue. */
const aCallInProgress = async (cli: Cli & { readonly projectId: string }): Promise<Recording> => {
  const catalogue = await openSqliteCatalogue({ path: join(cli.dataDir, 'catalogue.sqlite'), telemetry: aTelemetry() })
  const recording = aGrowingRecording(cli.projectId)
  await catalogue.createRecording(recording)
  await catalogue.close()
  return recording
}

describe('a recording in progress', () => {
  it('is listed without a size', async () => {
    const cli = await folders.cliWithProject()
    const { id, createdAtMs } = await aCallInProgress(cli)
    const [line] = await all(cli)
    expect(line).toMatchObject({ id, status: 'recording', duration_ms: 0, format: 'wav', channels: 1 })
    expect(Object.keys(line ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/byte_size|sha256/)]))
    const shown = (await cli.run('recording', 'list')).stdout
    const created = new Date(createdAtMs).toISOString()
    expect(shown).toMatch(new RegExp(`${id} +${created} +recording +0.0 s +– +wav/pcm_s16le +sip`))
  })

  it('is told apart by verify, which finds nothing wrong', async () => {
    const cli = await folders.cliWithProject()
    await upload(cli)
    const { id } = await aCallInProgress(cli)
    const unverified = [{ id, project_id: cli.projectId, why: 'is in progress' }]
    expect(await cli.json('verify')).toEqual({ verified: 1, bytes: 4279, mismatches: [], unverified, orphans: [] })
    expect(await cli.run('verify')).toEqual({
      code: 0,
      stdout: `${id}  is in progress\n1 recordings, 4.28 kB: all as they were stored, 1 not verified\n`,
      stderr: '',
    })
  })

  it('is left out of an export, by name, and can be in a later one', async () => {
    const cli = await folders.cliWithProject()
    const stored = await upload(cli)
    const { id } = await aCallInProgress(cli)
    const out = folders.fresh()
    const skipped = [{ id, why: 'is in progress; not exported' }]
    expect(await exportOf(cli, out)).toEqual({ exported: 1, kept: 0, skipped, failed: [] })
    expect(linesOf(out).map((line) => line.id)).toEqual([stored.id])
    const again = await cli.run('recording', 'export', out)
    expect(again).toEqual({
      code: 0,
      stdout: `${id}  is in progress; not exported\n0 exported, 1 already there, 0 failed\n`,
      stderr: '',
    })
  })

  it('can be deleted', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await aCallInProgress(cli)
    expect(await cli.json('recording', 'delete', id)).toEqual({ deleted: id })
    expect(await all(cli)).toEqual([])
  })
})

describe('a recording that ended without audio', () => {
  it('is exported and imported like any other', async () => {
    const cli = await folders.cliWithProject()
    await upload(cli)
    const database = new Database(join(cli.dataDir, 'catalogue.sqlite'))
    const { id } = await aCallInProgress(cli)
    database
      .prepare("UPDATE recordings SET status = 'no_input', error_code = 'media_timeout', media_key = NULL WHERE id = ?")
      .run(id)
    database.close()
    const out = folders.fresh()
    expect(await exportOf(cli, out)).toEqual({ exported: 1, kept: 0, skipped: [], failed: [] })
    expect(
      linesOf(out)
        .map((line) => typeof line.file)
        .sort(),
    ).toEqual(['string', 'undefined'])
    const elsewhere = await folders.cliWithProject()
    expect(await importOf(elsewhere, out)).toEqual(done(2, 0))
    expect(await importOf(elsewhere, out)).toEqual(done(0, 2))
    expect(await all(elsewhere)).toEqual(await all(cli))
    expect(await cli.json('verify')).toMatchObject({ verified: 2, mismatches: [], unverified: [] })
  })
})

describe('a recording whose hash is not known yet', () => {
  it('is told apart by verify when its size is right', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await anUnsealed(cli)
    const unverified = [{ id, project_id: cli.projectId, why: 'has no hash yet; its size is right' }]
    expect(await cli.json('verify')).toEqual({ verified: 0, bytes: 4279, mismatches: [], unverified, orphans: [] })
  })

  it.each<[string, (path: string) => void, string]>([
    ['cut', (path) => truncateSync(path, 4000), 'has 4000 bytes instead of 4279'],
    ['missing', (path) => rmSync(path), 'its bytes are missing'],
  ])('is wrong when its bytes are %s', async (_what, harm, problem) => {
    const cli = await folders.cliWithProject()
    const { id } = await anUnsealed(cli)
    harm(mediaFiles(cli)[0] ?? '')
    const { code, stdout } = await cli.run('verify', '--json')
    const mismatches = [{ id, project_id: cli.projectId, problem }]
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { verified: 1, bytes: 4279, mismatches, unverified: [], orphans: [] },
    ])
  })

  it('has one once it was exported, and the export can be imported', async () => {
    const cli = await folders.cliWithProject()
    const before = await anUnsealed(cli)
    expect((await all(cli))[0]?.sha256).toBeUndefined()
    const out = folders.fresh()
    expect(await exportOf(cli, out)).toEqual({ exported: 1, kept: 0, skipped: [], failed: [] })
    expect(linesOf(out).map((line) => line.sha256)).toEqual([sha256(SPEECH)])
    expect(before).toMatchObject((await all(cli))[0] ?? {})
    expect(await cli.json('verify')).toMatchObject({ verified: 1, mismatches: [], unverified: [] })
    const elsewhere = await folders.cliWithProject()
    expect(await importOf(elsewhere, out)).toEqual(done(1, 0))
    expect(await all(elsewhere)).toEqual(await all(cli))
  })

  it('is known again by an import, by its bytes, and refused to others', async () => {
    const cli = await folders.cliWithProject()
    const line = await anUnsealed(cli)
    const out = folders.fresh()
    await exportOf(cli, out)
    const database = new Database(join(cli.dataDir, 'catalogue.sqlite'))
    const forget = database.prepare('UPDATE recordings SET sha256 = NULL')
    forget.run()
    expect(await importOf(cli, out)).toEqual(done(0, 1))
    expect((await all(cli))[0]?.sha256).toBe(line.sha256)
    forget.run()
    database.close()
    flipByte(mediaFiles(cli)[0] ?? '')
    expect((await importOf(cli, out)).failed).toEqual([
      { file: 'recordings.ndjson:1', why: expect.stringContaining(line.id) },
    ])
  })
})
