import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../acceptance/support/client.ts'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { type Cli, cliOn, flipByte, golden, mediaFiles, refusal, TIME, useFolders } from './support/cli.ts'
import { all, done, exportOf, importOf, type Line, useTrees } from './support/trees.ts'

const folders = useFolders()
const { treeOf, withVariety } = useTrees(folders)
const SPEECH = golden('opus-mono.ogg')
/** The documented five seconds, and one for a busy machine. */
const COUNTS_AFTER_MS = 6000

interface Finding {
  readonly what: string
  readonly verdict: string
  readonly says: string
}

const upload = (cli: Cli, ...flags: string[]) => cli.json<Line>('recording', 'upload', SPEECH, ...flags)
const fileOf = (cli: Cli, id: string): string => mediaFiles(cli).find((path) => path.includes(id)) ?? ''

/** What a command prints when a terminal is its output, with what the terminal makes of line ends taken back. */
const onTerminal = ({ dataDir }: Cli, ...args: string[]): { code: number | null; printed: string } => {
  const command = [process.execPath, 'src/main.ts', ...args].map((word) => `'${word}'`).join(' ')
  const { status, stdout } = spawnSync('script', ['-qefc', command, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', POULSEN_DATA_DIR: dataDir, SHELL: '/bin/sh', TERM: 'xterm' },
    encoding: 'utf8',
    timeout: 25_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { code: status, printed: stdout.replaceAll('\r\n', '\n') }
}

describe('verify', () => {
  it('finds nothing wrong with what was stored', async () => {
    const cli = await withVariety()
    const bytes = (await cli.json<{ byte_size: number }[]>('recording', 'list')).reduce(
      (sum, each) => sum + each.byte_size,
      0,
    )
    expect(await cli.json('verify')).toEqual({ verified: 6, bytes, mismatches: [], unverified: [], orphans: [] })
    expect(await cli.run('verify')).toEqual({
      code: 0,
      stdout: `6 recordings, ${(bytes / 1000).toPrecision(3)} kB: all as they were stored\n`,
      stderr: '',
    })
  })

  it.each<[string, (path: string) => void, string | RegExp]>([
    ['a changed byte', flipByte, 'its bytes are not those that were stored'],
    ['a cut file', (path) => truncateSync(path, 4000), 'has 4000 bytes instead of 4279'],
    ['a longer file', (path) => appendFileSync(path, 'x'), 'has 4280 bytes instead of 4279'],
    ['a missing file', (path) => rmSync(path), 'its bytes are missing'],
    [
      'a folder in its place',
      (path) => {
        rmSync(path)
        mkdirSync(path)
      },
      /cannot be used|missing/,
    ],
  ])('finds %s, names the recording and ends with 1', async (_what, harm, problem) => {
    const cli = await folders.cliWithProject()
    const [good, bad] = [await upload(cli), await upload(cli)]
    harm(fileOf(cli, bad.id))
    const { code, stdout, stderr } = await cli.run('verify', '--json')
    expect([code, stderr]).toEqual([1, ''])
    const says = typeof problem === 'string' ? problem : expect.stringMatching(problem)
    const mismatches = [{ id: bad.id, project_id: cli.projectId, problem: says }]
    expect(JSON.parse(stdout)).toEqual({ verified: 2, bytes: 2 * 4279, mismatches, unverified: [], orphans: [] })
    const shown = await cli.run('verify')
    expect([shown.code, shown.stderr]).toEqual([1, ''])
    expect(shown.stdout).not.toContain(good.id)
    expect(shown.stdout).toMatch(new RegExp(`^${bad.id}  .+\n2 recordings, 8.56 kB: 1 WRONG\n$`))
  })

  it('looks at every project, or at the one that --project names', async () => {
    const cli = await folders.cliWithProject()
    const { id: other } = await cli.json<{ id: string }>('project', 'create')
    await upload(cli, '--project', cli.projectId)
    const bad = await upload(cli, '--project', other)
    flipByte(fileOf(cli, bad.id))
    expect(await cli.json('verify', '--project', cli.projectId)).toMatchObject({ verified: 1, mismatches: [] })
    expect((await cli.run('verify', '--project', other)).code).toBe(1)
    expect((await cli.run('verify')).stdout).toContain('2 recordings, 8.56 kB: 1 WRONG')
    const nobody = randomUUID()
    expect(await cli.refused(3, 'verify', '--project', nobody)).toBe(`There is no project ${nobody}.`)
    expect(await cli.refused(2, 'verify', '--project', 'x')).toBe('--project must be a UUID, not x.')
  })

  it('of nothing finds nothing wrong', async () => {
    expect((await folders.cli().run('verify')).stdout).toBe('0 recordings, 0 B: all as they were stored\n')
  })

  it('says in one line that the catalogue is damaged, or newer', async () => {
    const damaged = await folders.cliWithProject()
    writeFileSync(join(damaged.dataDir, 'catalogue.sqlite'), 'not a catalogue')
    expect(await damaged.refused(8, 'verify')).toBe('The catalogue file is damaged or is not a catalogue.')
    const newer = await folders.cliWithProject()
    const database = new Database(join(newer.dataDir, 'catalogue.sqlite'))
    database.pragma('user_version = 1000')
    database.close()
    expect(await newer.refused(7, 'verify')).toMatch(/^The catalogue has version 1000; /)
  })

  it('of a folder that cannot be one, or with a setting that does not exist, says so', async () => {
    const unusable = cliOn('/etc/passwd/poulsen')
    expect(await unusable.refused(5, 'verify')).toMatch(
      /^The data folder \/etc\/passwd\/poulsen cannot be used: ENOTDIR\b/,
    )
    const mistyped = join(folders.fresh(), 'dtaa')
    expect(await cliOn(mistyped).refused(5, 'verify')).toBe(
      `The data folder ${mistyped} cannot be used: it does not exist.`,
    )
    expect(existsSync(mistyped)).toBe(false)
    const ran = await folders.cli().runWith({ POULSEN_PROT: '80' }, 'verify')
    expect(refusal(ran, 2, ['verify'])).toMatch(/^POULSEN_PROT is not a setting; /)
  })
})

describe('progress', () => {
  const bars = (printed: string): string[] => printed.match(/\[[#-]{30}\] \d+ %/g) ?? []

  it('is drawn on a terminal, taken away at the end, and leaves the answer', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await upload(cli)
    const { code, printed } = onTerminal(cli, 'verify')
    expect(code).toBe(0)
    expect(bars(printed)).toEqual([`[${'#'.repeat(30)}] 100 %`])
    expect(printed).toContain(id)
    expect(printed.split('\r\x1b[K').at(-1)).toBe('1 recordings, 4.28 kB: all as they were stored\n')
    flipByte(fileOf(cli, id))
    expect(onTerminal(cli, 'verify').code).toBe(1)
  })

  it('of verify --project is of that project', async () => {
    const cli = await folders.cliWithProject()
    const { id: other } = await cli.json<{ id: string }>('project', 'create')
    for (const project of [cli.projectId, other]) await upload(cli, '--project', project)
    expect(bars(onTerminal(cli, 'verify', '--project', other).printed)).toEqual([`[${'#'.repeat(30)}] 100 %`])
  })

  it('of an import counts its files', async () => {
    const cli = await folders.cliWithProject()
    const tree = treeOf({ 'a.ogg': 'opus-mono.ogg', 'b.ogg': 'opus-stereo.ogg' })
    const { code, printed } = onTerminal(cli, 'recording', 'import', tree)
    expect(code).toBe(0)
    expect(bars(printed)[0]).toBe(`[${'#'.repeat(15)}${'-'.repeat(15)}] 50 %`)
    expect(printed.split('\r\x1b[K').at(-1)).toBe('2 stored, 0 already there, 0 failed\n')
  })

  it('of an export does not say 100 % before it is done', async () => {
    const { printed } = onTerminal(await withVariety(), 'recording', 'export', folders.fresh())
    expect(bars(printed)[0] ?? '').not.toContain('100 %')
    expect(printed.split('\r\x1b[K').at(-1)).toBe('6 exported, 0 already there, 0 failed\n')
  })
})

describe('doctor', () => {
  const examine = async (cli: Cli, code: number): Promise<readonly Finding[]> => {
    const ran = await cli.run('doctor', '--json')
    expect([ran.code, ran.stderr], ran.stdout).toEqual([code, ''])
    return JSON.parse(ran.stdout) as Finding[]
  }

  it('finds a healthy folder healthy and leaves nothing behind', async () => {
    const cli = await folders.cliWithProject()
    await upload(cli)
    const before = readdirSync(cli.dataDir, { recursive: true }).sort()
    expect(await examine(cli, 0)).toEqual([
      { what: 'node', verdict: 'ok', says: `${process.version}; needs 24 or newer` },
      { what: 'clock', verdict: 'ok', says: expect.stringMatching(TIME) },
      { what: 'catalogue', verdict: 'ok', says: 'opens; 1 projects' },
      { what: 'media', verdict: 'ok', says: 'takes writes and fsyncs them' },
      {
        what: 'space',
        verdict: expect.stringMatching(/^(ok|warn)$/),
        says: expect.stringMatching(/^[\d.]+ [MGT]B free$/),
      },
    ])
    expect(readdirSync(cli.dataDir, { recursive: true }).sort()).toEqual(before)
    const { code, stdout } = await cli.run('doctor')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^ +what +says\nok +node +v.*\nok +clock +.*\nok +catalogue +.*\nok +media +.*\n(ok|warn) +space +.*\n$/,
    )
  })

  const ruined = (name: string): Cli => {
    const cli = folders.cli()
    writeFileSync(join(cli.dataDir, name), 'not what it should be')
    return cli
  }

  it.each<[string, () => Cli, RegExp]>([
    [
      'below a file',
      () => cliOn('/etc/passwd/poulsen'),
      /^The data folder \/etc\/passwd\/poulsen cannot be used: ENOTDIR\b/,
    ],
    [
      'whose catalogue is damaged',
      () => ruined('catalogue.sqlite'),
      /^The catalogue file is damaged or is not a catalogue/,
    ],
    ['whose media folder is a file', () => ruined('media'), /media/i],
  ])('fails a folder %s, and says why', async (_what, make, says) => {
    const cli = make()
    const failed = (await examine(cli, 1)).filter(({ verdict }) => verdict === 'fail')
    expect(failed).toEqual([{ what: 'data folder', verdict: 'fail', says: expect.stringMatching(says) }])
    const { code, stdout } = await cli.run('doctor')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^fail +data folder +\S/m)
  })
})

describe('beside a running server', () => {
  const credentials = makeCredentials()
  const cli = folders.cli()
  let server: RunningServer
  let client: Client
  beforeAll(async () => {
    server = await startServer(cli.dataDir, credentials)
    client = new Client(server.url, credentials)
  })
  afterAll(async () => void (await server?.stop()))
  const RECORDINGS = '/api/relay/rest/recordings'
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${credentials.projectId}:${secret}`).toString('base64')}`,
  })

  it('verify and doctor find everything well', async () => {
    await client.store(wavOf(1, 4044))
    expect(await cli.json('verify')).toMatchObject({ mismatches: [] })
    expect((await cli.json<Finding[]>('doctor')).map(({ verdict }) => verdict)).not.toContain('fail')
  })

  it('a token opens at once, and nothing within five seconds of being revoked', async () => {
    const made = await cli.json<{ id: string; token: string }>('token', 'create', '--permission', 'voice')
    const status = async () => (await client.get(RECORDINGS, basic(made.token))).status
    expect(await status()).toBe(200)
    await cli.json('token', 'revoke', made.id)
    await expect.poll(status, { timeout: COUNTS_AFTER_MS }).toBe(401)
  })

  it('an upload is there for the server, what the server stored is there for a command, and so are deletions', async () => {
    const line = await upload(cli, '--started-at', '2026-01-31T12:00:00.123Z')
    const answer = await client.get(`${RECORDINGS}/${line.id}`)
    expect([answer.status, answer.json.created_at, answer.json.byte_size]).toEqual([200, '2026-01-31T12:00:00Z', 4279])
    const { id } = await client.store(wavOf(2, 4044))
    expect(await cli.json('recording', 'get', String(id))).toMatchObject({ byte_size: 4044, status: 'completed' })
    await cli.json('recording', 'delete', String(id))
    expect((await client.get(`${RECORDINGS}/${id}`)).status).toBe(404)
    await client.ask({ method: 'DELETE', path: `${RECORDINGS}/${line.id}` })
    expect(await cli.refused(3, 'recording', 'get', line.id)).toContain(line.id)
  })

  it('a project that becomes protected is so within five seconds', async () => {
    const { url } = await client.store(wavOf(3, 4044))
    const status = async () => (await fetch(String(url))).status
    expect(await status()).toBe(200)
    await cli.json('project', 'update', credentials.projectId, '--protect-recordings')
    await expect.poll(status, { timeout: COUNTS_AFTER_MS }).toBe(401)
    await cli.json('project', 'update', credentials.projectId, '--no-protect-recordings')
    await expect.poll(status, { timeout: COUNTS_AFTER_MS }).toBe(200)
  })

  it('an import and uploads at the same time all succeed, and the export has them all', async () => {
    const tree = treeOf(
      Object.fromEntries(Array.from({ length: 60 }, (_, seed) => [`${seed}.wav`, wavOf(seed + 100, 4044)])),
    )
    const before = (await all(cli)).length
    const imported = importOf(cli, tree)
    for (let seed = 0; seed < 30; seed++) await client.store(wavOf(seed + 1000, 4044))
    expect(await imported).toEqual(done(60, 0))
    const out = folders.fresh()
    expect(await exportOf(cli, out)).toEqual({ exported: before + 90, kept: 0, skipped: [], failed: [] })
    expect(await importOf(cli, out)).toEqual(done(0, before + 90))
    expect(await cli.json('verify')).toMatchObject({ verified: before + 90, mismatches: [] })
  })
})
