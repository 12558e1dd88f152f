import { complaintsOfBeginning } from '../judge.ts'
import { decodeFirstChannel, type WireDetails } from '../live-server.ts'
import type { PlacedCall } from './calls.ts'
import type { ChaosClient } from './client.ts'
import type { Kill } from './faults.ts'
import type { Listed } from './recordings.ts'

/** Received longer before a kill than this is never lost: the promise. */
const LOSS_MAX_MS = 250
/** What was sent is received later, on two cores that run three nodes, PostgreSQL, Ceph and all clients; `crash.test.ts` measures without this. */
const LAG_MAX_MS = 250
const PACKET_MS = 20

/** What is wrong with the recording of a call that was answered; nothing, if it has all that its node had received when it was killed, if it was. */
export const complaintsOfCall = async (
  client: ChaosClient,
  { node, outcome, isDeleted }: PlacedCall,
  { found, kills }: { readonly found: readonly Listed[]; readonly kills: readonly Kill[] },
): Promise<readonly string[]> => {
  if (isDeleted) return found.map(({ id }) => `${id} was deleted`)
  const { firstSentAtMs = Number.POSITIVE_INFINITY, lastSentAtMs = 0, truth } = outcome.sent
  const killedAtMs = kills.find((kill) => kill.node === node && kill.atMs >= outcome.answeredAtMs)?.atMs
  const mustMs =
    Math.min((killedAtMs ?? Number.POSITIVE_INFINITY) - LOSS_MAX_MS - LAG_MAX_MS, lastSentAtMs) - firstSentAtMs
  const [recording, ...others] = found
  if (others.length > 0) return [`it is there ${found.length} times`]
  if (!recording) return mustMs > 0 ? [`lost: ${mustMs} ms had been received`] : []
  if (recording.status === 'no_input' && mustMs <= 0) return []
  if (recording.status !== 'completed') return [`it is ${recording.status}, ${recording.error_code}, of ${mustMs} ms`]
  const details = await detailsOf(client, recording.id)
  const { duration_ms, error_code, call } = details
  const problems: string[] = []
  if (duration_ms < mustMs - PACKET_MS) problems.push(`${duration_ms} ms of ${mustMs} that must be there`)
  if (duration_ms > truth.durationMs) problems.push(`${duration_ms} ms of ${truth.durationMs} that were sent`)
  if (error_code !== (call?.end_reason === 'hangup' ? undefined : 'recovered'))
    problems.push(`error_code ${error_code}, ${call?.end_reason}`)
  if (error_code !== undefined && killedAtMs === undefined) problems.push(`${error_code}, and nobody was killed`)
  const { bytes } = await client.ask(`/files/${node.projectId}/recordings/${recording.id}.wav`)
  const audio = await decodeFirstChannel(bytes)
  problems.push(...complaintsOfBeginning(audio, outcome.plan, duration_ms))
  return problems.map(
    (problem) => `${problem} (${JSON.stringify({ mustMs, killedAtMs, truth, lastSentAtMs, firstSentAtMs, details })})`,
  )
}

const detailsOf = async (client: ChaosClient, id: string): Promise<WireDetails> =>
  JSON.parse((await client.ask(`/v1/recordings/${id}`)).bytes.toString()) as WireDetails
