import type { ClusterNode } from '../cluster.ts'
import type { PlacedCall } from './calls.ts'
import { ChaosClient } from './client.ts'
import type { Kill } from './faults.ts'
import { complaintsOfCall } from './judge-calls.ts'
import { type Ledger, sha256Of } from './ledger.ts'
import { type Listed, listAll, RELAY } from './recordings.ts'
import { expectStatus } from './tokens.ts'

const AT_ONCE = 6
const FINAL = ['completed', 'no_input', 'failed']

/** What the end is compared with. */
export interface Evidence {
  readonly nodes: readonly ClusterNode[]
  readonly ledger: Ledger
  readonly kills: readonly Kill[]
  readonly calls: readonly PlacedCall[]
  readonly revoked: readonly string[]
}

/** When all is well again: holds what every node says to what clients were told. What is wrong goes into the ledger; gives what is listed. */
export const judge = async (evidence: Evidence): Promise<readonly Listed[]> => {
  const { nodes, ledger } = evidence
  const lists: (readonly Listed[])[] = []
  for (const node of nodes) {
    const client = new ChaosClient([node], ledger, Math.random)
    const listed = await listAll(client)
    lists.push(listed)
    judgeList(listed, evidence, node.url)
    await judgeMedia(client, node, evidence, listed)
    for (const token of evidence.revoked) await expectStatus(client, node, token, 401)
  }
  const [listed = []] = lists
  await judgeCalls(listed, evidence)
  return listed
}

/** Everything that is stored once, nothing that is deleted, and nothing of which nobody knows. */
const judgeList = (listed: readonly Listed[], { ledger, calls }: Evidence, where: string): void => {
  const byId = Map.groupBy(listed, ({ id }) => id)
  for (const [id, { length }] of byId) if (length > 1) ledger.blame(`${id} is listed ${length} times at ${where}`)
  for (const { id } of ledger.stored()) if (!byId.has(id)) ledger.blame(`${id} is not listed at ${where}`)
  for (const id of ledger.deleted) if (byId.has(id)) ledger.blame(`${id} is back at ${where}`)
  const legs = new Set([...calls.map(({ outcome }) => outcome.callId), ...ledger.unanswered.keys()])
  for (const { id, status, relay_sip_leg_id: leg = '', error_code } of listed) {
    if (!FINAL.includes(status) || error_code === 'node_lost')
      ledger.blame(`${id} is ${status}, ${error_code} at ${where}`)
    // The row of a call that never began may have been written by a PostgreSQL that nobody waited for; it is taken back, or ends without audio.
    if (!ledger.entries.has(id) && !legs.has(leg) && status !== 'no_input')
      ledger.blame(`${id} is nobody's at ${where}`)
  }
}

/** The same bytes through every node, and nothing of what was deleted. */
const judgeMedia = async (
  client: ChaosClient,
  node: ClusterNode,
  { ledger }: Evidence,
  listed: readonly Listed[],
): Promise<void> => {
  const pathOf = (id: string) => `/files/${node.projectId}/recordings/${id}.wav`
  const unanswered = listed.flatMap(({ id, relay_sip_leg_id: leg = '' }) => {
    const sha256 = ledger.unanswered.get(leg)
    return sha256 === undefined ? [] : [{ id, sha256 }]
  })
  await each([...ledger.stored(), ...unanswered], async ({ id, sha256 }) => {
    const { status, bytes } = await client.ask(pathOf(id))
    if (status !== 200 || sha256Of(bytes) !== sha256) ledger.blame(`media of ${id} at ${node.url}: ${status}`)
  })
  await each([...ledger.deleted], async (id) => {
    for (const path of [`${RELAY}/${id}`, pathOf(id)]) {
      const { status } = await client.ask(path)
      if (status !== 404) ledger.blame(`${path}, deleted, at ${node.url}: ${status}`)
    }
  })
}

const judgeCalls = async (listed: readonly Listed[], { nodes, ledger, kills, calls }: Evidence): Promise<void> => {
  const byLeg = Map.groupBy(listed, ({ relay_sip_leg_id }) => relay_sip_leg_id ?? '')
  const client = new ChaosClient(nodes, ledger, Math.random)
  for (const call of calls) {
    const found = byLeg.get(call.outcome.callId) ?? []
    const complaints = await complaintsOfCall(client, call, { found, kills })
    for (const each of complaints)
      ledger.blame(`call ${call.outcome.callId} at ${call.node.url}, ${found[0]?.id}: ${each}`)
  }
}

/** Some at a time. */
const each = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
