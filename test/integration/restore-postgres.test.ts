import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../acceptance/support/client.ts'
import { requireProgram } from '../acceptance/support/debian.ts'
import { type Credentials, makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RecoverablePostgres } from '../support/postgres-recovery.ts'
import { type Cli, mediaFiles, useFolders } from './support/cli.ts'

const folders = useFolders()
const LONG_MS = 120_000
const TWO_HOURS_S = 7200
const [, RESCUE = ''] =
  /```sh\n(poulsen verify \| .*?)```/s.exec(readFileSync('docs/operating/backup.md', 'utf8')) ?? []
const RELAY = '/api/relay/rest/recordings'

/** Stores recordings of these seeds; their ids and bytes. */
const storeAll = async (client: Client, seeds: readonly number[]): Promise<Map<string, Buffer>> => {
  const stored = new Map<string, Buffer>()
  for (const seed of seeds) {
    const wav = wavOf(seed, 40_044)
    stored.set(String((await client.store(wav)).id), Buffer.from(wav))
  }
  return stored
}

/** Asks a server for every recording of a list, and for no other. */
const holdTo = async (server: RunningServer, credentials: Credentials, stored: ReadonlyMap<string, Buffer>) => {
  const client = new Client(server.url, credentials)
  const { json } = await client.get(RELAY)
  const ids = (json as unknown as { data: { id: string }[] }).data.map(({ id }) => id)
  expect(ids.sort()).toEqual([...stored.keys()].sort())
  for (const [id, bytes] of stored) {
    const media = await client.get(`/files/${credentials.projectId}/recordings/${id}.wav`)
    expect([id, media.status, media.bytes.equals(bytes)]).toEqual([id, 200, true])
  }
}

/** A command on a data folder whose catalogue is in PostgreSQL. */
const run = async ({ runWith }: Cli, url: string, ...args: string[]) => {
  const { code, stdout, stderr } = await runWith({ POULSEN_CATALOGUE: url }, ...args)
  expect([code, stderr], stdout).toEqual([0, ''])
  return stdout
}

describe('a catalogue that pg_dump took, and media that backup took', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    for (const name of ['pg_dump', 'pg_restore']) requireProgram(`/usr/bin/${name}`, 'postgresql-client')
    // The oldest: pg_dump dumps what is as old as itself or older.
    postgres = await PostgresServer.start({ major: 14 })
  }, 600_000)
  afterAll(async () => void (await postgres?.stop()))

  it(
    'are a server again, with everything that was acknowledged before',
    async () => {
      const [cli, credentials, url] = [folders.cli(), makeCredentials(), await postgres.database()]
      const server = await startServer(cli.dataDir, credentials, { POULSEN_CATALOGUE: url })
      const client = new Client(server.url, credentials)
      const stored = await storeAll(client, [1, 2, 3, 4, 5])
      const work = folders.fresh()
      const [dump, place] = [join(work, 'catalogue.dump'), join(work, 'backup')]
      execFileSync('/usr/bin/pg_dump', ['--format=custom', `--file=${dump}`, url])
      await storeAll(client, [6, 7])
      expect(await run(cli, url, 'backup', place)).toBe(
        [
          '7 recordings, 280 kB here: 7 new, 0 already there',
          'not in it: 0 in progress, 0 deleted meanwhile; 0 deleted ones taken out',
          'The catalogue is in PostgreSQL, not here: pg_dump it before this, or archive its WAL.',
          'It is on the disk of the data folder: copy it to another.\n',
        ].join('\n'),
      )
      expect(await server.stop()).toBe(0)

      const again = await postgres.database()
      execFileSync('/usr/bin/pg_restore', [`--dbname=${again}`, '--no-owner', '--exit-on-error', dump])
      const restored = folders.cli()
      cpSync(place, restored.dataDir, { recursive: true, preserveTimestamps: true })
      const second = await startServer(restored.dataDir, credentials, { POULSEN_CATALOGUE: again })
      await holdTo(second, credentials, stored)
      const checked = JSON.parse(await run(restored, again, 'verify', '--json'))
      expect(checked).toMatchObject({ verified: 5, mismatches: [] })
      expect(checked.orphans).toHaveLength(2)
      expect(await second.stop()).toBe(0)
    },
    LONG_MS,
  )
})

describe('a catalogue that is set back to a moment, under newer media', () => {
  let postgres: RecoverablePostgres
  beforeAll(async () => {
    postgres = await RecoverablePostgres.start()
  }, 60_000)
  afterAll(async () => void (await postgres?.stop()))

  it(
    'serves what it knows, and what it does not know stays, is listed, and can be imported',
    async () => {
      const [cli, credentials, url] = [folders.cli(), makeCredentials(), await postgres.server.database()]
      const server = await startServer(cli.dataDir, credentials, { POULSEN_CATALOGUE: url })
      const client = new Client(server.url, credentials)
      await postgres.takeBase()
      const known = await storeAll(client, [1, 2, 3])
      const moment = await postgres.now()
      const unknown = await storeAll(client, [4, 5])
      // Nothing is acknowledged any more.
      expect(await server.stop()).toBe(0)
      await postgres.setBackTo(moment)
      // Old enough for the sweeper, which looks at the start.
      const then = Date.now() / 1000 - TWO_HOURS_S
      for (const file of mediaFiles(cli)) utimesSync(file, then, then)

      const second = await startServer(cli.dataDir, credentials, { POULSEN_CATALOGUE: url })
      await holdTo(second, credentials, known)
      const metrics = async () => (await (await fetch(`${second.url}/metrics`)).text()).split('\n')
      await expect.poll(metrics, { timeout: 10_000 }).toContain('poulsen_orphans{store="local"} 2')
      expect(mediaFiles(cli)).toHaveLength(5)
      const { orphans } = JSON.parse(await run(cli, url, 'verify', '--json')) as { orphans: { key: string }[] }
      expect(orphans).toHaveLength(2)

      // What the guide says.
      const rescue = folders.fresh()
      const program = `poulsen() { (cd '${process.cwd()}' && '${process.execPath}' src/main.ts "$@"); }\n`
      const inRescue = RESCUE.replaceAll('rescue/', `${rescue}/`)
      const environment = { PATH: process.env.PATH, POULSEN_DATA_DIR: cli.dataDir, POULSEN_CATALOGUE: url }
      const said = execFileSync('sh', ['-euc', program + inRescue], { env: environment, encoding: 'utf8' })
      expect(said).toBe('2 stored, 0 already there, 0 failed\n')
      await holdTo(second, credentials, new Map([...known, ...unknown]))
      expect(await second.stop()).toBe(0)
    },
    LONG_MS,
  )
})
