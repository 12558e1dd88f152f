import { setTimeout as delay } from 'node:timers/promises'
import { CallGenerator, type CompletedCall, type RunningCall } from '../../../../src/caller/place-call.ts'
import type { ClusterNode } from '../cluster.ts'
import type { ChaosClient } from './client.ts'
import type { Kill } from './faults.ts'
import { type Listed, RELAY, removeById } from './recordings.ts'

/** A call that was answered, with what its caller has said. */
export interface PlacedCall {
  readonly node: ClusterNode
  /** How many kills there had been when it was placed: an answer may be the last that a node says. */
  readonly killsBefore: number
  readonly outcome: CompletedCall
  /** Its recording was deleted while it ran. */
  readonly isDeleted: boolean
}

const CODECS = ['PCMU', 'PCMA', 'G722'] as const
const LEGS = 3
const CALL_MS_MIN = 2_000
const CALL_MS_MAX = 20_000
/** A whole number of packets: the rest of one would be silence that nobody has ordered. */
const PACKET_MS = 20
/** Who is killed does not answer: it is not waited for as long as SIP would. */
const T1_MS = 100
const ANSWER_DEADLINE_MS = 10_000
const LOOK_EVERY_MS = 20
const PAUSE_MS = 500

/** Places one call to any node and lets it run to its end, its node's, or that of its recording; undefined when it is not answered. */
export const placeOne = async (client: ChaosClient, kills: readonly Kill[]): Promise<PlacedCall | undefined> => {
  const node = client.anyNode()
  const port = node.sipPort
  if (!Number.isInteger(port)) return delay(PAUSE_MS, undefined)
  const killsBefore = kills.length
  const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${port}`, t1Ms: T1_MS })
  try {
    const running = await generator.start({
      durationMs: CALL_MS_MIN + PACKET_MS * client.below((CALL_MS_MAX - CALL_MS_MIN) / PACKET_MS),
      seed: client.below(2 ** 31),
      leg: client.below(LEGS),
      codecs: [client.anyOf(CODECS) ?? 'PCMU'],
      answerDeadlineMs: ANSWER_DEADLINE_MS,
    })
    if (running.kind === 'running') return await follow(client, { node, running, kills, killsBefore })
    const { invite } = running
    if (invite.kind === 'wrong-answer' || (invite.kind === 'refused' && invite.status !== 503))
      client.ledger.blame(`a call to ${node.url}: ${JSON.stringify(invite)}`)
    return await delay(PAUSE_MS, undefined)
  } finally {
    generator.close()
  }
}

/** The first kill of a node after so many kills. */
export const killOf = (node: ClusterNode, kills: readonly Kill[], before: number): Kill | undefined =>
  kills.slice(before).find((kill) => kill.node === node)

interface Following {
  readonly node: ClusterNode
  readonly running: RunningCall
  readonly kills: readonly Kill[]
  readonly killsBefore: number
}

const follow = async (client: ChaosClient, following: Following): Promise<PlacedCall> => {
  const { node, running, kills, killsBefore } = following
  // The other end hears of a dead recorder by its own means, and hangs up.
  const watch = setInterval(() => {
    if (killOf(node, kills, killsBefore)) running.hangUp()
  }, LOOK_EVERY_MS)
  const meddling = meddle(client, running.callId)
  const outcome = await running.outcome
  clearInterval(watch)
  client.ledger.count('calls')
  return { node, outcome, killsBefore, isDeleted: await meddling }
}

/** Of some calls the recording is listened to while it grows, or deleted; true when it was deleted. */
const meddle = async (client: ChaosClient, callId: string): Promise<boolean> => {
  const choice = client.below(10)
  if (choice > 4) return false
  await delay(client.below(CALL_MS_MIN))
  const page = await client.ask(`${RELAY}?page_size=100`)
  const { data } = JSON.parse(page.bytes.toString()) as { data: readonly Listed[] }
  const recording = data.find(({ relay_sip_leg_id }) => relay_sip_leg_id === callId)
  if (!recording) return false
  if (choice > 0) return listen(client, recording.id)
  await removeById(client, recording.id)
  client.ledger.count('callsDeleted')
  return true
}

const listen = async (client: ChaosClient, id: string): Promise<false> => {
  const node = client.anyNode()
  const heard = await client.once(node, `/files/${node.projectId}/recordings/${id}.wav`)
  // A call that has just begun, or whose node has just come back, cannot be heard yet.
  const isRight =
    !heard || heard.status === 404 || (heard.status === 200 && heard.bytes.toString('latin1', 0, 4) === 'RIFF')
  if (!isRight) client.ledger.blame(`media of the call ${id} at ${node.url}: ${heard.status} ${heard.bytes}`)
  return false
}
