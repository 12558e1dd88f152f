import { execFileSync } from 'node:child_process'
import { CephServer } from '../../test/support/ceph.ts'
import { PostgresServer } from '../../test/support/postgres.ts'
import { fillPostgres } from '../fill-postgres.ts'
import { formatNumber, type Line, median } from '../line.ts'
import { type Installation, install, upload } from '../poulsen.ts'
import type { Subject } from '../processes.ts'
import { cpuSeconds, cpuSecondsOfTree } from '../rtp-processes.ts'
import { measure } from '../wrk.ts'
import { LIST } from './reads.ts'

const ROUNDS = 5
const ROWS = Number(process.env.BENCH_ROWS ?? 100_000)
/** Of the clients of all nodes together. */
const CONNECTIONS = 32
const TARGET = 0.9
const US_PER_SECOND = 1e6

interface Stage {
  readonly postgres: PostgresServer
  readonly installations: readonly [Installation, Installation]
  readonly ids: readonly string[]
}

/** What one round measured: requests, and the processor time of one in the nodes and in PostgreSQL. */
interface Round {
  readonly requestsPerSecond: number
  readonly nodeUs: number
  readonly postgresUs: number
}

/**
 * GET of one recording through two nodes over one PostgreSQL, against one: what it costs that they share. Both nodes are on core 0, PostgreSQL and the load on core 1, so that
 * two can be no faster than one here; the processor time says what they would be on machines of their own.
 */
export const measureNodes = async (): Promise<readonly Line[]> => {
  const [postgres, s3] = await Promise.all([PostgresServer.start(), CephServer.start()])
  try {
    execFileSync('taskset', ['-a', '-p', '-c', '1', String(postgres.pid)])
    const database = await postgres.database()
    const shared = {
      POULSEN_CATALOGUE: database,
      POULSEN_MEDIA_STORE: `s3://${await s3.bucket()}?endpoint=${s3.endpoint}`,
      AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    }
    const first = install(shared)
    const { projectId, token } = first
    const second = install({ ...shared, POULSEN_BOOTSTRAP_PROJECT_ID: projectId, POULSEN_BOOTSTRAP_TOKEN: token })
    {
      await using server = await first.start()
      await upload(server.url, first.authorization)
    }
    const ids = await fillPostgres(database, ROWS)
    return [await twoAgainstOne({ postgres, installations: [first, second], ids })]
  } finally {
    await Promise.all([postgres.stop(), s3.stop()])
  }
}

const twoAgainstOne = async (stage: Stage): Promise<Line> => {
  await using first = await stage.installations[0].start()
  await using second = await stage.installations[1].start()
  const rounds: { readonly two: Round; readonly one: Round }[] = []
  // The first round of either warms the servers.
  for (let round = 0; round <= ROUNDS; round += 1)
    rounds.push({ two: await load(stage, [first, second]), one: await load(stage, [first]) })
  const counted = rounds.slice(1)
  const ratios = counted.map(({ two, one }) => two.requestsPerSecond / one.requestsPerSecond)
  const ratio = median(ratios)
  return {
    work: `GET one recording of ${formatNumber(ROWS)} in PostgreSQL through two nodes, which share a core`,
    against: 'one node, as many connections in all',
    ratio,
    target: `≥ ${TARGET}`,
    isReached: ratio >= TARGET,
    ours: describe(counted.map(({ two }) => two)),
    reference: describe(counted.map(({ one }) => one)),
    rounds: ratios,
  }
}

/** So many connections, spread over the nodes. */
const load = async ({ postgres, installations, ids }: Stage, nodes: readonly Subject[]): Promise<Round> => {
  const headers = { authorization: installations[0].authorization }
  const paths = ids.map((id) => `${LIST}/${id}`)
  const connections = CONNECTIONS / nodes.length
  const spent = () =>
    [nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0), cpuSecondsOfTree(postgres.pid)] as const
  const [nodesBefore, postgresBefore] = spent()
  const begunMs = performance.now()
  const rates = await Promise.all(nodes.map(({ url: origin }) => measure({ origin, paths, headers, connections })))
  const seconds = (performance.now() - begunMs) / 1000
  const [nodesAfter, postgresAfter] = spent()
  const requestsPerSecond = rates.reduce((sum, rate) => sum + rate.requestsPerSecond, 0)
  const usOf = (cpu: number) => (cpu / (requestsPerSecond * seconds)) * US_PER_SECOND
  return { requestsPerSecond, nodeUs: usOf(nodesAfter - nodesBefore), postgresUs: usOf(postgresAfter - postgresBefore) }
}

const describe = (rounds: readonly Round[]): string => {
  const of = (figure: keyof Round) => formatNumber(median(rounds.map((round) => round[figure])))
  return `${of('requestsPerSecond')} req/s; processor time of one ${of('nodeUs')} µs in nodes, ${of('postgresUs')} µs in PostgreSQL`
}
