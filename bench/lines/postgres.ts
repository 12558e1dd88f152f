import { execFileSync } from 'node:child_process'
import { POOL_MAX } from '../../src/adapters/postgres/catalogue.ts'
import { READS } from '../../src/adapters/postgres/statements.ts'
import { PostgresServer } from '../../test/support/postgres.ts'
import { fillPostgres } from '../fill-postgres.ts'
import { compare, formatNumber, type Line } from '../line.ts'
import { type Installation, install, upload } from '../poulsen.ts'
import { startSubject } from '../processes.ts'
import { measure } from '../wrk.ts'
import { answerOf, deepList, LIST } from './reads.ts'

const ROUNDS = 5
const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000)

/** GET of one recording and deep pages, with the catalogue in PostgreSQL: that server is on the load's core. */
export const measurePostgres = async (): Promise<readonly Line[]> => {
  const postgres = await PostgresServer.start()
  try {
    execFileSync('taskset', ['-a', '-p', '-c', '1', String(postgres.pid)])
    const database = await postgres.database()
    const installation = install({ POULSEN_CATALOGUE: database })
    {
      await using server = await installation.start()
      await upload(server.url, installation.authorization)
    }
    const ids = await fillPostgres(database, ROWS)
    return [await againstBare(installation, database, ids), await deepList(installation, 'list in PostgreSQL', ROWS)]
  } finally {
    await postgres.stop()
  }
}

const againstBare = async (installation: Installation, database: string, ids: readonly string[]): Promise<Line> => {
  const headers = { authorization: installation.authorization }
  await using server = await installation.start()
  await using bare = await startSubject(['bench/bare-postgres-http.ts'], {
    ...(await answerOf(`${server.url}${LIST}/${ids[0]}`, headers)),
    DATABASE: database,
    STATEMENT: READS.findRecording,
    PROJECT: installation.projectId,
    POOL_MAX: String(POOL_MAX),
  })
  const paths = ids.map((id) => `${LIST}/${id}`)
  const rate = async (origin: string) => (await measure({ origin, paths, headers })).requestsPerSecond
  return await compare({
    work: `GET one recording of ${formatNumber(ROWS)} in PostgreSQL, random ids, authenticated, one core`,
    against: 'bare node:http with the same query through pg',
    targetRatio: 0.7,
    rounds: ROUNDS,
    unit: 'req/s',
    ours: () => rate(server.url),
    reference: () => rate(bare.url),
  })
}
