import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { fillWithRecordings } from './support/fill.ts'
import { makeCredentials, type RunningServer, startServer } from './support/server.ts'
import { wavOf } from './support/wav.ts'

const PATH = '/api/relay/rest/recordings'
const COUNT = 100_000
const PAGE_SIZE = 500

interface Page {
  readonly links: { readonly self: string; readonly first: string; readonly next?: string; readonly prev?: string }
  readonly data: readonly { readonly id: string; readonly created_at: string }[]
}

const dataDir = mkdtempSync(join(tmpdir(), 'poulsen-paging-'))
const credentials = makeCredentials()
let server: RunningServer
let client: Client
let old: readonly string[]

beforeAll(async () => {
  const first = await startServer(dataDir, credentials)
  await new Client(first.url, credentials).store(wavOf(1, 1000), '?started_at=2026-01-01T00:00:00Z')
  await first.stop()
  old = fillWithRecordings(dataDir, COUNT)
  server = await startServer(dataDir, credentials)
  client = new Client(server.url, credentials)
}, 60_000)
afterAll(async () => {
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Asked plainly: 100,000 rows against two schemas would measure the checker. */
const pageOf = async (url: string): Promise<Page> => {
  const response = await fetch(url, { headers: { authorization: credentials.authorization } })
  expect(response.status).toBe(200)
  return (await response.json()) as Page
}

describe('100,000 recordings', () => {
  it('are each seen once while others come and go; none that stays is missed', { timeout: 90_000 }, async () => {
    const seen: string[] = []
    const deleted = new Set<string>()
    const inserted: Promise<unknown>[] = []
    let next: string | undefined = `${server.url}${PATH}?page_size=${PAGE_SIZE}`
    for (let number = 0; next !== undefined; number += 1) {
      const page: Page = await pageOf(next)
      seen.push(...page.data.map(({ id }) => id))
      // While the client walks: a new call ends, one that it has seen is deleted, and one that it has yet to see.
      if (number % 5 === 0) {
        const doomed = [page.data[number % PAGE_SIZE]?.id, old[(number * 7919 + 13) % COUNT]]
        for (const id of doomed) {
          if (id === undefined || deleted.has(id)) continue
          deleted.add(id)
          expect((await client.ask({ method: 'DELETE', path: `${PATH}/${id}` })).status).toBe(204)
        }
        inserted.push(client.store(wavOf(number + 2, 1000)))
      }
      next = page.links.next
    }
    const created = (await Promise.all(inserted)) as { id: string }[]
    expect(new Set(seen).size).toBe(seen.length)
    const missed = new Set(old.filter((id) => !deleted.has(id)))
    for (const id of seen) missed.delete(id)
    expect([...missed]).toEqual([])
    // What came after the walk began is newer than its first page.
    expect(created.filter(({ id }) => seen.includes(id))).toEqual([])
    expect(deleted.size).toBeGreaterThan(50)
  })

  it('give the same page by the whole link, by path and query, and by the query alone', async () => {
    const first = await pageOf(`${server.url}${PATH}?page_size=100`)
    const { next = '' } = first.links
    const { pathname, search, searchParams } = new URL(next)
    const whole = await pageOf(next)
    expect(await pageOf(server.url + pathname + search)).toEqual(whole)
    expect(await pageOf(`${server.url}${PATH}?${searchParams}`)).toEqual(whole)
    expect(whole.links.self).toBe(next)
    expect(whole.data).toHaveLength(100)
  })

  it('can be walked back to where the walk began', async () => {
    const forth: Page[] = [await pageOf(`${server.url}${PATH}?page_size=1000`)]
    for (let steps = 0; steps < 3; steps += 1) forth.push(await pageOf(forth.at(-1)?.links.next ?? ''))
    let back = forth.at(-1)
    for (const expected of forth.slice(0, -1).reverse()) {
      back = await pageOf(back?.links.prev ?? '')
      expect(back.data).toEqual(expected.data)
    }
    expect(back?.links).not.toHaveProperty('prev')
  })
})
