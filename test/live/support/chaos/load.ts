import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterNode } from '../cluster.ts'
import { type PlacedCall, placeOne } from './calls.ts'
import type { ChaosClient } from './client.ts'
import type { Kill } from './faults.ts'
import { list, post, put, read, remove } from './recordings.ts'
import { revoke } from './tokens.ts'

const CLIENTS = 5
const CALLERS = 4
const PAUSE_MS_MAX = 150
const LIST_PAUSE_MS = 2_000

/** What came of a load beside the ledger. */
export interface Loaded {
  readonly calls: readonly PlacedCall[]
  /** Secrets of tokens that were revoked. */
  readonly revoked: readonly string[]
}

type Deed = (client: ChaosClient) => Promise<unknown>

/** Of ten things that a client does. */
const DEEDS: readonly Deed[] = [put, put, put, post, read, read, read, read, remove, remove]

/** Loads the nodes from all sides until it is to end; what has been begun is brought to its end. */
export const load = async (
  client: ChaosClient,
  stage: { readonly nodes: readonly ClusterNode[]; readonly kills: readonly Kill[]; readonly signal: AbortSignal },
): Promise<Loaded> => {
  const calls: PlacedCall[] = []
  const revoked: string[] = []
  const again = async (work: () => Promise<unknown>, pauseMs: number) => {
    while (!stage.signal.aborted) {
      await work()
      await delay(client.below(pauseMs))
    }
  }
  const clients = Array.from({ length: CLIENTS }, () =>
    again(() => (client.anyOf(DEEDS) as Deed)(client), PAUSE_MS_MAX),
  )
  const callers = Array.from({ length: CALLERS }, () =>
    again(async () => {
      const placed = await placeOne(client, stage.kills)
      if (placed) calls.push(placed)
    }, PAUSE_MS_MAX),
  )
  const revoker = again(async () => {
    const token = await revoke(client, stage.nodes)
    if (token !== undefined) revoked.push(token)
  }, PAUSE_MS_MAX)
  const lister = again(() => list(client), LIST_PAUSE_MS)
  await Promise.all([...clients, ...callers, revoker, lister])
  return { calls, revoked }
}
