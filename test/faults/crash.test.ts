import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'

/**
 * kill -9 at random moments under uploads and deletes, then restart and compare what was acknowledged with what is there.
 * `npm run test:crash` does 200 rounds. A failing run prints its seed; CRASH_SEED replays the load and the moments (not the scheduler).
 */
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 5)
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)
const CLIENTS = 6
const KILL_AFTER_MS_MAX = 400
const TWO_HOURS_S = 7200
const ROUND_BUDGET_MS = 15_000

const dataDir = mkdtempSync(join(tmpdir(), 'poulsen-crash-'))
const credentials = makeCredentials()
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

let state = SEED | 1
const random = (max: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
  return state % max
}

/** What clients were told. `unsure`: a delete was sent and no answer came, so either outcome is right. */
type Told = { readonly sha256: string; fate: 'stored' | 'deleted' | 'unsure'; isChecked?: boolean }
const told = new Map<string, Told>()

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const headers = { authorization: credentials.authorization }

const uploadOne = async (url: string): Promise<void> => {
  const id = randomUUID()
  const wav = wavOf(random(1 << 30), 200 + 2 * random(60_000))
  const body = Buffer.from(wav)
  const head = { ...headers, 'content-type': 'audio/wav' }
  const response = await fetch(`${url}/v1/recordings/${id}`, { method: 'PUT', headers: head, body })
  if (response.status !== 201) throw new Error(`PUT answered ${response.status}: ${await response.text()}`)
  told.set(id, { sha256: sha256(wav), fate: 'stored' })
}

const deleteOne = async (url: string): Promise<void> => {
  const id = [...told.keys()][random(Math.max(1, told.size))]
  const known = id === undefined ? undefined : told.get(id)
  if (known?.fate !== 'stored') return
  known.fate = 'unsure'
  const response = await fetch(`${url}/api/relay/rest/recordings/${id}`, { method: 'DELETE', headers })
  if (response.status !== 204) throw new Error(`DELETE answered ${response.status}`)
  known.fate = 'deleted'
}

/** Loads the server until it dies; an answer other than the expected one is an error, a broken connection is not. */
const load = async (server: RunningServer, unexpected: string[]): Promise<void> => {
  let isAlive = true
  const client = async () => {
    while (isAlive) {
      try {
        await (random(4) === 0 ? deleteOne(server.url) : uploadOne(server.url))
      } catch (error) {
        if (!(error instanceof TypeError)) unexpected.push(String(error))
        isAlive = false
      }
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, random(KILL_AFTER_MS_MAX))
  await promise
  await server.kill()
  isAlive = false
  await Promise.all(clients)
}

/** Compares what is listed with all that was ever told, and asks for what has not been compared byte by byte since it was stored. */
const check = async (url: string): Promise<void> => {
  const listed = await listKeys(url)
  for (const [id, known] of told) {
    if (known.fate === 'unsure') known.fate = listed.has(id) ? 'stored' : 'deleted'
    expect(listed.has(id), `${id} was ${known.fate}; seed ${SEED}`).toBe(known.fate === 'stored')
  }
  const unchecked = [...told].filter(([, { isChecked }]) => !isChecked).values()
  const checker = async () => {
    for (const [id, known] of unchecked) await checkOne(url, id, known)
  }
  await Promise.all(Array.from({ length: CLIENTS }, checker))
}

const checkOne = async (url: string, id: string, known: Told): Promise<void> => {
  const response = await fetch(`${url}/api/relay/rest/recordings/${id}`, { headers })
  expect(response.status, `${id} was ${known.fate}; seed ${SEED}`).toBe(known.fate === 'stored' ? 200 : 404)
  known.isChecked = true
  const recording = (await response.json()) as { url?: string }
  if (!recording.url) return
  const media = await fetch(recording.url)
  expect(media.status, `media of ${id}; seed ${SEED}`).toBe(200)
  expect(sha256(await media.bytes()), `bytes of ${id}; seed ${SEED}`).toBe(known.sha256)
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Makes everything in the media store look two hours old, so that the sweeper of the next start may judge it. */
const age = (): void => {
  const then = Date.now() / 1000 - TWO_HOURS_S
  for (const file of filesIn(join(dataDir, 'media'))) utimesSync(file, then, then)
}

describe('kill -9 under load', () => {
  it(
    `loses nothing acknowledged and leaves nothing behind, ${ROUNDS} times`,
    async () => {
      const unexpected: string[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        await load(await startServer(dataDir, credentials), unexpected)
        expect(unexpected, `seed ${SEED}`).toEqual([])
        // Once more byte by byte at the end, whatever the rounds between have done to the files.
        if (round === ROUNDS - 1) for (const known of told.values()) known.isChecked = false
        const server = await startServer(dataDir, credentials)
        await check(server.url)
        expect(await server.stop()).toBe(0)
      }
      expect([...told.values()].filter(({ fate }) => fate === 'stored').length).toBeGreaterThan(0)
    },
    ROUNDS * ROUND_BUDGET_MS,
  )

  it('leaves no orphan that the sweeper does not find', async () => {
    age()
    const server = await startServer(dataDir, credentials, { POULSEN_ORPHANS_KEPT_DAYS: '0' })
    const listed = await listKeys(server.url)
    const isSwept = () =>
      filesIn(join(dataDir, 'media')).filter((file) => /[0-9a-f]{8}-[0-9a-f]{4}/.test(file.split('/').at(-1) ?? ''))
    await expect.poll(() => isSwept().length, { timeout: 10_000 }).toBe(listed.size)
    await server.stop()
    for (const file of isSwept())
      expect(
        [...listed].some((id) => file.includes(id)),
        file,
      ).toBe(true)
  })
})

const listKeys = async (url: string): Promise<Set<string>> => {
  const ids = new Set<string>()
  let next: string | undefined = `${url}/api/relay/rest/recordings?page_size=1000`
  while (next !== undefined) {
    const page = (await (await fetch(next, { headers })).json()) as { data: { id: string }[]; links: { next?: string } }
    for (const { id } of page.data) ids.add(id)
    next = page.links.next
  }
  return ids
}
