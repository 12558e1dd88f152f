import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CephServer } from '../support/ceph.ts'
import { PostgresServer } from '../support/postgres.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import { ChaosClient } from './support/chaos/client.ts'
import { bringAbout, type Kill } from './support/chaos/faults.ts'
import { Ledger } from './support/chaos/ledger.ts'
import { sweepAll } from './support/chaos/leftovers.ts'
import { load } from './support/chaos/load.ts'
import { surprises } from './support/chaos/logs.ts'
import { type Pace, planFaults } from './support/chaos/plan.ts'
import { judge } from './support/chaos/verdict.ts'
import { type ClusterNode, makeCluster } from './support/cluster.ts'

/** `npm run test:nodes` takes ten minutes and freezes servers for one. A failing run prints its seed, which repeats the faults and what is asked, not the scheduler. */
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const MINUTES = Number(process.env.CHAOS_MINUTES ?? 1.2)
const NODES = 3
const MINUTE_MS = 60_000
const SETUP_MS = 10 * MINUTE_MS
const SETTLE_MS = 4 * MINUTE_MS
const isLong = MINUTES >= 5
const PACE: Pace = {
  lengthMs: MINUTES * MINUTE_MS,
  nodes: NODES,
  killEveryMs: isLong ? 30_000 : 12_000,
  cycles: isLong ? Math.floor(MINUTES / 5) : 1,
  freezeMs: isLong ? MINUTE_MS : 10_000,
}

let postgres: PostgresServer
let s3: CephServer
let database: string
let mediaStore: string
let nodes: readonly ClusterNode[]

beforeAll(async () => {
  ;[postgres, s3] = await Promise.all([PostgresServer.start(), CephServer.start()])
  database = await postgres.database()
  mediaStore = `s3://${await s3.bucket()}/calls?endpoint=${s3.endpoint}`
  const cluster = await makeCluster(NODES, {
    POULSEN_CATALOGUE: database,
    POULSEN_MEDIA_STORE: mediaStore,
    // Less than what PostgreSQL is frozen for.
    POULSEN_NODE_LOST_AFTER_SECONDS: isLong ? '30' : '15',
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  })
  ;({ nodes } = cluster)
  await Promise.all(nodes.map((node) => node.start()))
}, SETUP_MS)
afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.dispose()))
  await Promise.all([postgres?.stop(), s3?.stop()])
})

/** What PostgreSQL says is still to be done: recordings that are not final, and those that a node has to itself. */
const open = async (): Promise<string> => {
  const [row] = await postgres.run(
    `SELECT (SELECT count(*) FROM recordings WHERE status IN ('recording', 'paused') OR error_code = 'node_lost') || ' not final, '
      || (SELECT count(*) FROM held_recordings) || ' held' AS open`,
    new URL(database).pathname.slice(1),
  )
  return String(row?.open)
}

const settled = async (ledger: Ledger): Promise<number> => {
  const begunMs = performance.now()
  await waitFor(async () => {
    await delay(250)
    return (await open()) === '0 not final, 0 held' || undefined
  }, SETTLE_MS).catch(async () => ledger.blame(`after ${SETTLE_MS} ms: ${await open()}`))
  return performance.now() - begunMs
}

describe('three nodes over one PostgreSQL and one S3', () => {
  const timeout = PACE.lengthMs + SETTLE_MS + SETUP_MS
  it(`keep what they promise in ${MINUTES} minutes of faults (SEED=${SEED})`, { timeout }, async () => {
    const ledger = new Ledger()
    const kills: Kill[] = []
    const ending = new AbortController()
    const loading = load(new ChaosClient(nodes, ledger, seeded(SEED)), { nodes, kills, signal: ending.signal })
    await bringAbout(planFaults(SEED, PACE), { nodes, postgres, s3 }, kills)
    ending.abort()
    const { calls, revoked } = await loading
    const settledMs = await settled(ledger)
    const listed = await judge({ nodes, ledger, kills, calls, revoked })
    const exitCodes = await Promise.all(nodes.map((node) => node.stop()))
    const leftovers = await sweepAll({ nodes, database, mediaStore, credentials: s3.credentials })
    const { slowest, worstLossMs, counts } = ledger
    const seen = { kills: kills.length, listed: listed.length, settledMs, slowest, worstLossMs, ...leftovers }
    console.log(JSON.stringify({ seed: SEED, ...counts, ...seen }))
    expect([...ledger.problems, ...leftovers.problems], `SEED=${SEED}`).toEqual([])
    const sounding = listed.filter(({ byte_size }) => byte_size !== undefined)
    expect(leftovers.objects, 'every recording with audio has its object').toBe(sounding.length)
    expect(exitCodes, 'who is asked to stop does').toEqual(nodes.map(() => 0))
    expect(
      nodes.flatMap(({ deaths }) => deaths),
      'nobody ends by itself',
    ).toEqual([])
    expect(nodes.flatMap(surprises)).toEqual([])
  })
})
