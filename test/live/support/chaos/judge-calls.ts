import { complaintsOfBeginning } from '../judge.ts'
import { decodeFirstChannel, type WireDetails } from '../live-server.ts'
import { killOf, type PlacedCall } from './calls.ts'
import type { ChaosClient } from './client.ts'
import type { Kill } from './faults.ts'
import type { Listed } from './recordings.ts'

/** What was received longer before a kill than this is never lost: the promise. */
const LOSS_MAX_MS = 250
/** What was sent is received later on two cores that run three nodes, PostgreSQL, Ceph and all clients; `crash.test.ts` holds it to the promise without them. */
const LAG_MAX_MS = 1_000
const PACKET_MS = 20

/** What is wrong with the recording of a call that was answered; nothing, if it has all that its node had received when it was killed, if it was. */
export const complaintsOfCall = async (
  client: ChaosClient,
  call: PlacedCall,
  { found, kills }: { readonly found: readonly Listed[]; readonly kills: readonly Kill[] },
): Promise<readonly string[]> => {
  const { node, outcome, isDeleted, killsBefore } = call
  if (isDeleted) return found.map(({ id }) => `${id} was deleted`)
  const killedAtMs = killOf(node, kills, killsBefore)?.atMs
  const sentMs = sentUntil(call, killedAtMs)
  const mustMs = isCut(call, killedAtMs) ? sentMs - LOSS_MAX_MS - LAG_MAX_MS : sentMs
  const [recording, ...others] = found
  if (others.length > 0) return [`it is there ${found.length} times`]
  if (!recording) return mustMs > 0 ? [`lost: ${mustMs} ms had been received`] : []
  if (recording.status === 'no_input' && mustMs <= 0) return []
  if (recording.status !== 'completed') return [`it is ${recording.status}, ${recording.error_code}, of ${mustMs} ms`]
  const details = await detailsOf(client, recording.id)
  const problems = [
    ...complaintsOfLength(details, outcome.sent.truth.durationMs, mustMs),
    ...complaintsOfEnd(details, killedAtMs !== undefined),
    ...(await complaintsOfAudio(client, call, details)),
  ]
  if (details.error_code === 'recovered') client.ledger.noteLoss(sentMs - details.duration_ms)
  return problems.map((problem) => `${problem} (killed at ${killedAtMs}, ${JSON.stringify(outcome.sent)})`)
}

/** The audio that was sent until a node was killed, if it was; not by the times of packets alone, which leave late and in bursts on a busy machine. */
const sentUntil = ({ outcome }: PlacedCall, killedAtMs = Number.POSITIVE_INFINITY): number => {
  const { lastSentAtMs = 0, truth } = outcome.sent
  return truth.durationMs - Math.max(0, lastSentAtMs - killedAtMs)
}

/** True when its node was killed before all of it was safe. */
const isCut = ({ outcome }: PlacedCall, killedAtMs = Number.POSITIVE_INFINITY): boolean =>
  killedAtMs - LOSS_MAX_MS - LAG_MAX_MS < (outcome.sent.lastSentAtMs ?? 0)

const complaintsOfLength = ({ duration_ms }: WireDetails, sentMs: number, mustMs: number): readonly string[] => [
  ...(duration_ms < mustMs ? [`${duration_ms} ms of ${mustMs} that must be there`] : []),
  ...(duration_ms > sentMs ? [`${duration_ms} ms of ${sentMs} that were sent`] : []),
]

const complaintsOfEnd = ({ error_code, call }: WireDetails, isKilled: boolean): readonly string[] => {
  const expected = isKilled && call?.end_reason !== 'hangup' ? 'recovered' : undefined
  return error_code === expected ? [] : [`error_code ${error_code}, ${call?.end_reason}`]
}

const complaintsOfAudio = async (
  client: ChaosClient,
  { node, outcome }: PlacedCall,
  { id, duration_ms }: WireDetails,
): Promise<readonly string[]> => {
  // Too short for a whole sound: there is nothing to compare.
  if (!outcome.plan.bursts.some((burst) => burst.startMs + burst.durationMs < duration_ms - PACKET_MS)) return []
  const { bytes } = await client.ask(`/files/${node.projectId}/recordings/${id}.wav`)
  return complaintsOfBeginning(await decodeFirstChannel(bytes), outcome.plan, duration_ms)
}

const detailsOf = async (client: ChaosClient, id: string): Promise<WireDetails> =>
  JSON.parse((await client.ask(`/v1/recordings/${id}`)).bytes.toString()) as WireDetails
