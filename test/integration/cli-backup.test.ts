import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { Client } from '../acceptance/support/client.ts'
import { makeCredentials, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Cli, cliOn, golden, mediaFiles, UUID, useFolders } from './support/cli.ts'

const folders = useFolders()
const SPEECH = golden('opus-mono.ogg')
const TWO_HOURS_S = 7200
/** Many processes, on a busy machine. */
const LONG_MS = 120_000
const SPEECH_BYTES = statSync(SPEECH).size
const elsewhere: string[] = []
afterAll(() => {
  for (const each of elsewhere) rmSync(each, { recursive: true, force: true })
})

/** A folder that is not there yet, on the disk of the data folder. */
const freshPlace = (): string => join(folders.fresh(), 'backup')
/** The same on another file system. */
const otherDisk = (): string => {
  const path = `/dev/shm/poulsen-backup-${crypto.randomUUID()}`
  elsewhere.push(path)
  return path
}
const upload = (cli: Cli): Promise<{ id: string }> => cli.json('recording', 'upload', SPEECH)
const counts = (recordings: number, added: number, more: object = {}) => ({
  taken_at: expect.any(String),
  recordings,
  bytes: recordings * SPEECH_BYTES,
  added,
  kept: recordings - added,
  elsewhere: 0,
  in_progress: 0,
  deleted: 0,
  removed: 0,
  missing: [],
  catalogue: 'here',
  bucket: false,
  same_disk: true,
  ...more,
})

describe('backup', () => {
  it('makes a folder that is a data folder, closed to others, and checks out', async () => {
    const [cli, place] = [await folders.cliWithProject(), freshPlace()]
    const { id } = await upload(cli)
    expect(await cli.json('backup', place)).toEqual(counts(1, 1))
    expect(readdirSync(place).sort()).toEqual(['backup.json', 'catalogue.sqlite', 'media', 'server.lock'])
    for (const name of ['backup.json', 'catalogue.sqlite'])
      expect(statSync(join(place, name)).mode & 0o777, name).toBe(0o600)
    expect(statSync(place).mode & 0o777).toBe(0o700)
    const restored = cliOn(place)
    expect(await restored.json('verify')).toMatchObject({ verified: 1, mismatches: [], orphans: [] })
    expect(await restored.json('recording', 'get', id)).toEqual(await cli.json('recording', 'get', id))
    // Looked at as a data folder, it is a backup still.
    expect(await cli.json('backup', place)).toEqual(counts(1, 0))
  })

  it('brings what is new and takes out what was deleted', async () => {
    const [cli, place] = [await folders.cliWithProject(), freshPlace()]
    const [first] = [await upload(cli), await upload(cli)]
    await cli.json('backup', place)
    await cli.json('recording', 'delete', first.id)
    await upload(cli)
    expect(await cli.json('backup', place)).toEqual(counts(2, 1, { removed: 1 }))
    expect(mediaFiles(cliOn(place))).toHaveLength(2)
    expect(await cliOn(place).json('verify')).toMatchObject({ verified: 2, mismatches: [], orphans: [] })
  })

  it('copies over to another disk, and what is damaged there is brought again', async () => {
    const [cli, place] = [await folders.cliWithProject(), otherDisk()]
    await upload(cli)
    expect(await cli.json('backup', place)).toEqual(counts(1, 1, { same_disk: false }))
    const [file = ''] = mediaFiles(cliOn(place))
    expect([statSync(file).nlink, statSync(file).mode & 0o777]).toEqual([1, 0o600])
    writeFileSync(file, 'cut')
    expect(await cli.json('backup', place)).toEqual(counts(1, 1, { same_disk: false }))
    expect(readFileSync(file)).toEqual(readFileSync(SPEECH))
    expect((await cli.run('backup', place)).stdout).toBe(
      '1 recordings, 4.28 kB here: 0 new, 1 already there\nnot in it: 0 in progress, 0 deleted meanwhile; 0 deleted ones taken out\n',
    )
  })

  it('names what has lost its bytes, backs up the rest and ends with 1', async () => {
    const [cli, place] = [await folders.cliWithProject(), freshPlace()]
    const [bad] = [await upload(cli), await upload(cli)]
    rmSync(mediaFiles(cli).find((path) => path.includes(bad.id)) ?? '')
    const { code, stdout } = await cli.run('backup', place, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual(counts(1, 1, { missing: [{ id: bad.id, project_id: cli.projectId }] }))
    expect((await cli.run('backup', place)).stdout).toMatch(new RegExp(`^${bad.id}  its bytes are missing`))
  })

  it(
    'refuses every wrong folder in one line and touches nothing',
    async () => {
      const cli = await folders.cliWithProject()
      const strange = folders.fresh()
      writeFileSync(join(strange, 'letter.txt'), 'Dear')
      expect(await cli.refused(4, 'backup', strange)).toBe(`${strange} is no backup, and not empty: it has letter.txt.`)
      const within = join(cli.dataDir, 'backup')
      expect(await cli.refused(4, 'backup', within)).toMatch(/ are one in the other\.$/)
      expect(existsSync(within)).toBe(false)
      expect(await cli.refused(4, 'backup', tmpdir())).toMatch(/ are one in the other\.$/)
      const unmounted = join(folders.fresh(), 'not-mounted', 'backup')
      expect(await cli.refused(5, 'backup', unmounted)).toMatch(/cannot be used for a backup: ENOENT/)
      const other = await folders.cliWithProject()
      expect(await cli.refused(4, 'backup', other.dataDir)).toMatch(/ is no backup, and not empty/)
      const place = freshPlace()
      await cli.json('backup', place)
      expect(await other.refused(4, 'backup', place)).toMatch(/has the backup of another server/)
      writeFileSync(join(place, 'backup.json'), 'x')
      expect(await cli.refused(4, 'backup', place)).toMatch(/backup\.json is not what a backup has there\.$/)
      expect(await cliOn(join(folders.fresh(), 'dtaa')).refused(5, 'backup', place)).toMatch(/does not exist\.$/)
    },
    LONG_MS,
  )

  it('says so when there is no room, and keeps what was there before', async () => {
    const [cli, place] = [await folders.cliWithProject(), otherDisk()]
    // An empty folder is as good as none.
    mkdirSync(place)
    await upload(cli)
    await cli.json('backup', place)
    const before = readFileSync(join(place, 'catalogue.sqlite'))
    // A recording of a terabyte, which takes no room where it is.
    const huge = 2 ** 40
    const { id } = await upload(cli)
    const file = mediaFiles(cli).find((path) => path.includes(id)) ?? ''
    truncateSync(file, huge)
    const database = new Database(join(cli.dataDir, 'catalogue.sqlite'))
    database.prepare('UPDATE recordings SET byte_size = ? WHERE id = ?').run(huge, id)
    database.close()
    expect(await cli.refused(5, 'backup', place)).toMatch(/There is no room for the backup in .*: \d+ bytes are to be/)
    expect(readFileSync(join(place, 'catalogue.sqlite'))).toEqual(before)
    expect(existsSync(join(place, 'backup.json'))).toBe(true)
  })

  it(
    'killed at any moment leaves what was there before, and nothing that looks whole where there was nothing',
    async () => {
      const cli = await folders.cliWithProject()
      const tree = folders.fresh()
      for (let seed = 0; seed < 300; seed += 1) writeFileSync(join(tree, `${seed}.wav`), wavOf(seed, 4044))
      await cli.run('recording', 'import', tree)
      const place = otherDisk()
      const killedWhen = async (isTime: () => boolean): Promise<void> => {
        const child = cli.start('backup', place)
        const gone = new Promise((resolve) => child.once('exit', resolve))
        await waitFor(() => isTime() || child.exitCode !== null || undefined, 20_000)
        child.kill('SIGKILL')
        await gone
      }
      await killedWhen(() => existsSync(join(place, 'catalogue.sqlite.part')))
      await killedWhen(() => existsSync(join(place, 'media')) && mediaFiles(cliOn(place)).length > 20)
      expect(existsSync(join(place, 'backup.json'))).toBe(false)
      expect(await cli.json('backup', place)).toMatchObject({ recordings: 300 })
      const manifest = readFileSync(join(place, 'backup.json'), 'utf8')
      await upload(cli)
      await killedWhen(() => existsSync(join(place, 'catalogue.sqlite.part')))
      expect(readFileSync(join(place, 'backup.json'), 'utf8')).toBe(manifest)
      expect(await cliOn(place).json('verify')).toMatchObject({ verified: 300, mismatches: [] })
    },
    LONG_MS,
  )
})

describe('a restored server', () => {
  const RELAY = '/api/relay/rest/recordings'
  const idsOf = async (client: Client): Promise<string[]> => {
    const ids: string[] = []
    for (let path: string | undefined = `${RELAY}?page_size=7`; path !== undefined; ) {
      const { json } = await client.get(path)
      const { data, links } = json as { data: { id: string }[]; links: { next?: string } }
      ids.push(...data.map(({ id }) => id))
      path = links.next?.replace(client.url, '')
    }
    return ids
  }

  it(
    'has every recording that was acknowledged before the backup began, whatever goes on beside it',
    async () => {
      const [cli, credentials, place] = [folders.cli(), makeCredentials(), otherDisk()]
      const server = await startServer(cli.dataDir, credentials)
      const client = new Client(server.url, credentials)
      const stored = new Map<string, Buffer>()
      const deleted = new Set<string>()
      const store = async (seed: number) => {
        const wav = wavOf(seed, 40_044)
        const { id } = await client.store(wav)
        stored.set(String(id), Buffer.from(wav))
      }
      for (let seed = 0; seed < 60; seed += 1) await store(seed)
      const before = [...stored.keys()]
      let isRunning = true
      const write = async () => {
        for (let seed = 1000; isRunning; seed += 1) await store(seed)
      }
      const remove = async () => {
        // Oldest and newest in turn: those that the backup has brought already, and those that it has not.
        for (const id of before.slice(0, 20).flatMap((each, at) => [each, before[59 - at] ?? ''])) {
          if (!isRunning) return
          await client.ask({ method: 'DELETE', path: `${RELAY}/${id}` })
          deleted.add(id)
        }
      }
      const load = Promise.all([write(), remove()])
      const report = await cli.json<{ recordings: number; taken_at: string }>('backup', place)
      isRunning = false
      await load
      expect(await server.stop()).toBe(0)

      const restored = folders.cli()
      cpSync(place, restored.dataDir, { recursive: true, preserveTimestamps: true })
      expect(await restored.json('verify')).toMatchObject({ mismatches: [], unverified: [], orphans: [] })
      const again = await startServer(restored.dataDir, credentials)
      const reader = new Client(again.url, credentials)
      const ids = await idsOf(reader)
      expect(ids.length).toBe(report.recordings)
      expect(new Set(ids).size).toBe(ids.length)
      for (const id of ids) expect(id).toMatch(UUID)
      expect(before.filter((id) => !deleted.has(id) && !ids.includes(id))).toEqual([])
      for (const id of ids) {
        const media = await reader.get(`/files/${credentials.projectId}/recordings/${id}.wav`)
        expect([id, media.status, media.bytes.equals(stored.get(id) ?? Buffer.alloc(0))]).toEqual([id, 200, true])
      }
      expect(existsSync(join(restored.dataDir, 'backup.json'))).toBe(false)
      expect(await again.stop()).toBe(0)
    },
    LONG_MS,
  )

  it(
    'under whose older catalogue newer recordings lie keeps their bytes, and has them again with the newer one',
    async () => {
      const [cli, credentials, place] = [folders.cli(), makeCredentials(), freshPlace()]
      const server = await startServer(cli.dataDir, credentials)
      const client = new Client(server.url, credentials)
      const known = await client.store(wavOf(1, 4044))
      await cli.json('backup', place)
      const unknown = await client.store(wavOf(2, 4044))
      expect(await server.stop()).toBe(0)
      const then = Date.now() / 1000 - TWO_HOURS_S
      for (const file of mediaFiles(cli)) utimesSync(file, then, then)
      const [catalogue, newer] = [join(cli.dataDir, 'catalogue.sqlite'), join(folders.fresh(), 'newer')]
      cpSync(catalogue, newer)
      cpSync(join(place, 'catalogue.sqlite'), catalogue)

      const older = await startServer(cli.dataDir, credentials)
      const metrics = async () => (await (await fetch(`${older.url}/metrics`)).text()).split('\n')
      await expect.poll(metrics, { timeout: 10_000 }).toContain('poulsen_orphans{store="local"} 1')
      expect(await idsOf(new Client(older.url, credentials))).toEqual([known.id])
      const orphans = [{ key: expect.stringContaining(String(unknown.id)), byte_size: 4044 }]
      expect(await cli.json('verify')).toMatchObject({ verified: 1, mismatches: [], orphans })
      expect((await cli.run('verify')).stdout).toContain('  is named by no row; kept for POULSEN_ORPHANS_KEPT_DAYS\n')
      expect(await older.stop()).toBe(0)

      cpSync(newer, catalogue)
      const again = await startServer(cli.dataDir, credentials)
      const both = new Client(again.url, credentials)
      expect((await idsOf(both)).sort()).toEqual([known.id, unknown.id].sort())
      expect((await both.get(String(unknown.url).replace(server.url, ''))).bytes).toEqual(Buffer.from(wavOf(2, 4044)))
      expect(await cli.json('verify')).toMatchObject({ verified: 2, orphans: [] })
      expect(await again.stop()).toBe(0)
    },
    LONG_MS,
  )

  it(
    'that is told to keep nothing removes what its catalogue does not know',
    async () => {
      const [cli, credentials] = [folders.cli(), makeCredentials()]
      const server = await startServer(cli.dataDir, credentials)
      const { id } = await new Client(server.url, credentials).store(wavOf(1, 4044))
      expect(await server.stop()).toBe(0)
      const then = Date.now() / 1000 - TWO_HOURS_S
      for (const file of mediaFiles(cli)) utimesSync(file, then, then)
      rmSync(join(cli.dataDir, 'catalogue.sqlite'))
      const empty = await startServer(cli.dataDir, credentials, { POULSEN_ORPHANS_KEPT_DAYS: '0' })
      await expect
        .poll(() => mediaFiles(cli).filter((path) => path.includes(String(id))), { timeout: 10_000 })
        .toEqual([])
      expect(await empty.stop()).toBe(0)
    },
    LONG_MS,
  )
})
