import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeCredentials, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { contentOfFolder } from '../live/support/migration-source.ts'
import { type Cli, cliOn, flipByte, golden, mediaFiles, useFolders } from './support/cli.ts'
import { type Line, useTrees } from './support/trees.ts'

const folders = useFolders()
const { withVariety } = useTrees(folders)
const LONG_MS = 120_000
const SPEECH = golden('opus-mono.ogg')

const upload = (cli: Cli) => cli.json<Line>('recording', 'upload', SPEECH)
const migrate = (cli: Cli, to: string) => cli.run('migrate', '--from', cli.dataDir, '--to', to)
const migrated = (cli: Cli, to: string) => cli.json('migrate', '--from', cli.dataDir, '--to', to)
const freshPlace = () => join(folders.fresh(), 'target')

// Every command is a process of its own, and some tests have many.
describe('migrate', { timeout: LONG_MS }, () => {
  it('copies a folder, and says what there was to do', async () => {
    const cli = await withVariety()
    const to = freshPlace()
    const { code, stdout, stderr } = await migrate(cli, to)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^6 copied \([\d.]+ kB\), 0 removed, 0 there already\nComplete: start a server on the target\.\n$/,
    )
    expect(contentOfFolder(to)).toEqual(contentOfFolder(cli.dataDir))
    expect(await migrated(cli, to)).toEqual({
      complete: true,
      source_served: false,
      copied: 0,
      removed: 0,
      unchanged: 6,
      bytes: 0,
      left_count: 0,
      left: [],
      wrong_count: 0,
      wrong: [],
    })
    expect(await cliOn(to).json('verify')).toMatchObject({ verified: 6, mismatches: [] })
  })

  it('copies nothing of what is damaged, names it with exit code 1, and takes it when it is whole again', async () => {
    const cli = await folders.cliWithProject()
    const [damaged, whole] = [await upload(cli), await upload(cli)]
    const file = mediaFiles(cli).find((path) => path.includes(damaged.id)) ?? ''
    flipByte(file)
    const to = freshPlace()
    const { code, stdout } = await migrate(cli, to)
    expect(code).toBe(1)
    expect(stdout.split('\n')[0]).toBe(`${damaged.id}  its bytes are not those that were stored`)
    expect(stdout).toContain('1 copied (4.28 kB), 0 removed, 0 there already, 1 WRONG\n')
    expect((await cliOn(to).json<Line[]>('recording', 'list')).map(({ id }) => id)).toEqual([whole.id])
    flipByte(file)
    expect(await migrated(cli, to)).toMatchObject({ complete: true, copied: 1, unchanged: 1 })
    expect(contentOfFolder(to)).toEqual(contentOfFolder(cli.dataDir))
  })

  it('works beside a running source, is complete when that has stopped, and gives the target to its server', async () => {
    const [from, to, credentials] = [folders.fresh(), freshPlace(), makeCredentials()]
    const cli = cliOn(from)
    const source = await startServer(from, credentials)
    const put = (url: string, seed: number) =>
      fetch(`${url}/v1/recordings?leg_type=sip`, {
        method: 'POST',
        headers: { authorization: credentials.authorization, 'content-type': 'audio/wav' },
        body: wavOf(seed, 2_000),
      })
    try {
      expect((await put(source.url, 1)).status).toBe(201)
      expect(await migrated(cli, to)).toMatchObject({ complete: false, source_served: true, copied: 1 })
      await expect(startServer(to, credentials)).rejects.toThrow(/is being filled by `poulsen migrate`/)
      expect((await put(source.url, 2)).status).toBe(201)
    } finally {
      await source.stop()
    }
    expect(await migrated(cli, to)).toMatchObject({ complete: true, source_served: false, copied: 1, unchanged: 1 })
    const target = await startServer(to, credentials)
    try {
      expect(await cli.refused(4, 'migrate', '--from', from, '--to', to)).toMatch(
        /^The target is in use, by a server or another migration\. Another server uses this data folder: pid \d+/,
      )
    } finally {
      await target.stop()
    }
    expect(await cli.refused(4, 'migrate', '--from', from, '--to', to)).toMatch(/not a copy that can be gone on with/)
  })

  it('writes to nothing that has something else', async () => {
    const [cli, other] = [await folders.cliWithProject(), await folders.cliWithProject()]
    const before = contentOfFolder(other.dataDir)
    expect(await cli.refused(4, 'migrate', '--from', cli.dataDir, '--to', other.dataDir)).toBe(
      'The target is not empty, and not a copy that can be gone on with: it has projects already.',
    )
    expect(contentOfFolder(other.dataDir)).toEqual(before)
    const to = freshPlace()
    await upload(other)
    await migrated(other, to)
    rmSync(join(to, 'catalogue.sqlite'))
    expect(await cli.refused(4, 'migrate', '--from', cli.dataDir, '--to', to)).toContain('its media store has objects')
  })

  it.each<[string, number, (dataDir: string) => readonly string[], RegExp]>([
    ['no --to', 2, (dir) => ['--from', dir], /^required option '--to/],
    [
      'no folder for the media',
      2,
      (dir) => ['--from', dir, '--to', 'postgres://u:secret@h/d'],
      /^--to needs a folder for the media/,
    ],
    [
      'no folder for the catalogue',
      2,
      (dir) => ['--from', 's3://bucket', '--to', dir],
      /^--from needs a folder for the catalogue/,
    ],
    ['two folders', 2, (dir) => ['--from', dir, '--to', 'a', 'b'], /^--to has more than one folder/],
    [
      'two databases',
      2,
      (dir) => ['--from', dir, '--to', 'postgres://a/b,postgres://u:secret@a/b'],
      /^--to has more than one postgres:\/\/ URL/,
    ],
    [
      'another URL',
      2,
      (dir) => ['--from', dir, '--to', 'mysql://u:secret@h/d'],
      /^--to has a URL that is neither postgres:\/\/ nor s3:\/\//,
    ],
    [
      'keys in the URL',
      2,
      (dir) => ['--from', dir, '--to', `${dir}-x`, 's3://key:secret@bucket'],
      /^The s3:\/\/ URL is not allowed; allowed: no credentials/,
    ],
    [
      'no such source',
      2,
      (dir) => ['--from', `${dir}-absent`, '--to', dir],
      /^--from: there is no .*-absent\/catalogue\.sqlite\.$/,
    ],
    ['the same folder', 2, (dir) => ['--from', dir, '--to', `${dir}/`], /^--from and --to are the same catalogue/],
    ['an empty source', 2, (dir) => ['--from', dir, '--to', `${dir}-x`], /^The source has no project/],
    [
      'a database that is away',
      5,
      (dir) => ['--from', dir, '--to', 'postgres://u:secret@127.0.0.1:1/d', dir],
      /^The catalogue postgres:\/\/u@127\.0\.0\.1:1\/d cannot be opened: nobody listens there\.$/,
    ],
    [
      'a bucket that is away',
      5,
      (dir) => ['--from', dir, '--to', `${dir}-x`, 's3://bucket?endpoint=http://127.0.0.1:1'],
      /^The media store s3:\/\/bucket at http:\/\/127\.0\.0\.1:1 cannot be used/,
    ],
  ])('says in one line what is wrong: %s', async (_name, code, args, line) => {
    const cli = folders.cli()
    expect(await cli.json('project', 'list')).toEqual([])
    const said = await cli.refused(code, 'migrate', ...args(cli.dataDir))
    expect(said).toMatch(line)
    expect(said).not.toContain('secret')
    expect(existsSync(`${cli.dataDir}-absent`)).toBe(false)
  })
})
