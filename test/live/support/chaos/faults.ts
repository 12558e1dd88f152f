import { setTimeout as delay } from 'node:timers/promises'
import type { PostgresServer } from '../../../support/postgres.ts'
import type { S3Server } from '../../../support/s3-server.ts'
import type { ClusterNode } from '../cluster.ts'
import type { PlannedFault } from './plan.ts'

/** What faults happen to. */
export interface Scene {
  readonly nodes: readonly ClusterNode[]
  readonly postgres: PostgresServer
  readonly s3: S3Server
}

/** When which node was killed, in Unix time. */
export interface Kill {
  readonly node: ClusterNode
  readonly atMs: number
}

/** Lets the faults of a plan happen, each at its time, and mends each: when it resolves all is well again. `kills` hears of each before it happens. */
export const bringAbout = async (plan: readonly PlannedFault[], scene: Scene, kills: Kill[]): Promise<void> => {
  await Promise.all(
    plan.map(async (fault) => {
      await delay(fault.atMs)
      await happen(fault, scene, kills)
    }),
  )
}

const happen = async (fault: PlannedFault, { nodes, postgres, s3 }: Scene, kills: Kill[]): Promise<void> => {
  const { kind, forMs } = fault
  if (kind === 'kill') return killOne(nodes[fault.node] as ClusterNode, forMs, kills)
  const server = fault.server === 's3' ? s3 : postgres
  await (kind === 'freeze' ? server.freeze() : server.halt())
  await delay(forMs)
  await (kind === 'freeze' ? server.thaw() : server.resume())
}

const killOne = async (node: ClusterNode, forMs: number, kills: Kill[]): Promise<void> => {
  kills.push({ node, atMs: Date.now() })
  await node.kill()
  await delay(forMs)
  await node.start()
}
