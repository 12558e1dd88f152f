import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterNode } from '../cluster.ts'
import type { ChaosClient } from './client.ts'
import { RELAY } from './recordings.ts'

/** How long a node may believe in a token that was revoked through another, and a little for the timer. */
const BELIEVED_MS = 5_050

/** Makes a token, lets every node believe it, revokes it: from five seconds after the answer on nobody takes it. */
export const revoke = async (client: ChaosClient, nodes: readonly ClusterNode[]): Promise<string | undefined> => {
  const { ledger } = client
  const body = JSON.stringify({ name: 'chaos', permissions: ['calling'] })
  const headers = { 'content-type': 'application/json' }
  const created = await client.ask('/api/project/tokens', { method: 'POST', headers, body })
  if (created.status !== 200) {
    ledger.blame(`POST token: ${created.status} ${created.bytes}`)
    return undefined
  }
  const { id, token } = JSON.parse(created.bytes.toString()) as { id: string; token: string }
  await Promise.all(nodes.map((node) => expectStatus(client, node, token, 200)))
  const { status, bytes, tries } = await client.ask(`/api/project/tokens/${id}`, { method: 'DELETE' })
  if (status !== 204 && !(status === 404 && tries > 1)) ledger.blame(`DELETE token, try ${tries}: ${status} ${bytes}`)
  await delay(BELIEVED_MS)
  await Promise.all(nodes.map((node) => expectStatus(client, node, token, 401)))
  ledger.count('revocations')
  return token
}

/** One look: a node that is away, or whose PostgreSQL is, says nothing about it. */
export const expectStatus = async (
  client: ChaosClient,
  node: ClusterNode,
  token: string,
  expected: number,
): Promise<void> => {
  const authorization = `Basic ${Buffer.from(`${node.projectId}:${token}`).toString('base64')}`
  const answer = await client.once(node, `${RELAY}?page_size=1`, { headers: { authorization } })
  if (answer && answer.status !== expected)
    client.ledger.blame(`a token at ${node.url}: ${answer.status} instead of ${expected}`)
}
