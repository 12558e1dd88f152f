import { randomUUID } from 'node:crypto'
import { wavOf } from '../../../acceptance/support/wav.ts'
import type { ChaosClient } from './client.ts'
import { sha256Of } from './ledger.ts'

/** The relay API's recordings. */
export const RELAY = '/api/relay/rest/recordings'
const BYTES_MIN = 2_000
const BYTES_MAX = 300_000
const PAGE_SIZE = 50

/** A recording as a list shows it. */
export interface Listed {
  readonly id: string
  readonly status: string
  readonly url: string
  readonly error_code?: string
  readonly byte_size?: number
  readonly relay_sip_leg_id?: string
}

const aWav = (client: ChaosClient): Buffer =>
  wavOf(client.below(2 ** 31), BYTES_MIN + 2 * client.below((BYTES_MAX - BYTES_MIN) / 2))

const upload = (method: string, wav: Buffer): RequestInit => ({
  method,
  headers: { 'content-type': 'audio/wav' },
  body: Buffer.from(wav),
})

/** Stores a recording under an id of the client's, until it is told that it is stored. */
export const put = async (client: ChaosClient, id: string = randomUUID()): Promise<void> => {
  const { ledger } = client
  const wav = aWav(client)
  const { status, bytes, tries } = await client.ask(`/v1/recordings/${id}?leg_type=sip`, upload('PUT', wav))
  if (status === 201 || (status === 200 && tries > 1)) ledger.store(id, sha256Of(wav))
  else ledger.blame(`PUT ${id}, try ${tries}: ${status} ${bytes}`)
  ledger.count('puts')
}

/** Stores a recording under an id of the server's. A try that nobody answered may have stored it, too. */
export const post = async (client: ChaosClient): Promise<void> => {
  const { ledger } = client
  const wav = aWav(client)
  const sha256 = sha256Of(wav)
  for (;;) {
    const legId = randomUUID()
    ledger.unanswered.set(legId, sha256)
    const path = `/v1/recordings?leg_type=sip&leg_id=${legId}`
    const answer = await client.once(client.anyNode(), path, upload('POST', wav))
    if (!answer) continue
    ledger.unanswered.delete(legId)
    if (answer.status === 201) ledger.store((JSON.parse(answer.bytes.toString()) as Listed).id, sha256)
    else ledger.blame(`POST: ${answer.status} ${answer.bytes}`)
    return ledger.count('posts')
  }
}

/** Reads a recording and its audio through any nodes, and compares. */
export const read = async (client: ChaosClient): Promise<void> => {
  const { ledger } = client
  const entry = client.anyOf(ledger.stored())
  if (!entry) return
  const row = await client.ask(`${RELAY}/${entry.id}`)
  const media = await client.ask(`/files/${client.anyNode().projectId}/recordings/${entry.id}.wav`)
  ledger.count('reads')
  // Deleted meanwhile: whatever was said of it was right for a moment.
  if (entry.fate !== 'stored') return
  if (row.status !== 200) ledger.blame(`GET ${entry.id}: ${row.status} ${row.bytes} at ${row.node.url}`)
  if (media.status !== 200) ledger.blame(`media of ${entry.id}: ${media.status} ${media.bytes} at ${media.node.url}`)
  else if (sha256Of(media.bytes) !== entry.sha256) ledger.blame(`media of ${entry.id}: other bytes`)
}

/** Deletes a recording, until it is told that it is gone; it is gone for every node then. Now and then its id is used again. */
export const remove = async (client: ChaosClient): Promise<void> => {
  const { ledger } = client
  const entry = client.anyOf(ledger.stored())
  if (!entry) return
  entry.fate = 'deleting'
  const tries = await removeById(client, entry.id)
  const path =
    client.below(2) === 0 ? `${RELAY}/${entry.id}` : `/files/${client.anyNode().projectId}/recordings/${entry.id}.wav`
  const after = await client.ask(path)
  if (after.status !== 404) ledger.blame(`${path}, deleted: ${after.status} at ${after.node.url}`)
  // Not where a try was left unanswered: it may yet be done when PostgreSQL goes on, and would take the new one.
  if (tries === 1 && client.below(4) === 0) await put(client, entry.id)
}

/** Deletes by id; how many tries it took. */
export const removeById = async (client: ChaosClient, id: string): Promise<number> => {
  const { ledger } = client
  const { status, bytes, tries } = await client.ask(`${RELAY}/${id}`, { method: 'DELETE' })
  if (status === 204 || (status === 404 && tries > 1)) ledger.markDeleted(id)
  else ledger.blame(`DELETE ${id}, try ${tries}: ${status} ${bytes}`)
  ledger.count('deletions')
  return tries
}

/** Turns all pages, each through any node: what was there throughout is on one of them, once, and what was deleted before is on none. */
export const list = async (client: ChaosClient): Promise<void> => {
  const { ledger } = client
  const before = ledger.stored()
  const gone = new Set(ledger.deleted)
  const ids = (await listAll(client)).map(({ id }) => id)
  const found = new Set(ids)
  if (found.size !== ids.length) ledger.blame(`a list has ${ids.length - found.size} recordings twice`)
  for (const { id, fate } of before) if (fate === 'stored' && !found.has(id)) ledger.blame(`a list is without ${id}`)
  for (const id of gone) if (found.has(id) && ledger.deleted.has(id)) ledger.blame(`a list has ${id}, deleted`)
  ledger.count('lists')
}

/** All recordings, a page from any node each. */
export const listAll = async (client: ChaosClient): Promise<readonly Listed[]> => {
  const listed: Listed[] = []
  for (let next: string | undefined = `${RELAY}?page_size=${PAGE_SIZE}`; next !== undefined; ) {
    const { status, bytes } = await client.ask(next)
    if (status !== 200) {
      client.ledger.blame(`GET ${next}: ${status} ${bytes}`)
      break
    }
    const page = JSON.parse(bytes.toString()) as { data: Listed[]; links: { next?: string } }
    listed.push(...page.data)
    const { pathname, search } = new URL(page.links.next ?? 'http://none')
    next = page.links.next && pathname + search
  }
  return listed
}
