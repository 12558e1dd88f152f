import { describe, expect, it } from 'vitest'
import type { Client } from './support/client.ts'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const PATH = '/api/relay/rest/recordings'
/** A bridge that ends a conference writes all of its legs in one second. */
const SAME_SECOND = '?started_at=2026-01-01T00:00:00Z'
const COUNT = 240
const PAGE_SIZE = 7
const AT_ONCE = 20

interface Page {
  readonly links: Readonly<Record<string, string>>
  readonly data: readonly { readonly id: string }[]
}

/** Stores recordings of one second, some at a time; their ids. */
const storeMany = async (client: Client, count: number, seed: number): Promise<string[]> => {
  const ids: string[] = []
  for (let made = 0; made < count; made += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - made) }, (_, index) =>
      client.store(wavOf(seed + made + index, 500), SAME_SECOND),
    )
    ids.push(...(await Promise.all(some)).map(({ id }) => id as string))
  }
  return ids
}

const pageOf = async (client: Client, path: string): Promise<Page> => (await client.get(path)).json as unknown as Page

/** The next page's path; undefined on the last. */
const nextOf = (client: Client, { links }: Page): string | undefined => links.next?.slice(client.url.length)

/** Every id of the list, in the order of the walk. */
const walk = async (client: Client, pageSize: number): Promise<string[]> => {
  const seen: string[] = []
  for (let path: string | undefined = `${PATH}?page_size=${pageSize}`; path !== undefined; ) {
    const page: Page = await pageOf(client, path)
    seen.push(...page.data.map(({ id }) => id))
    path = nextOf(client, page)
  }
  return seen
}

const remove = async (client: Client, ids: readonly (string | undefined)[]): Promise<void> => {
  for (const id of ids) expect((await client.ask({ method: 'DELETE', path: `${PATH}/${id}` })).status).toBe(204)
}

describe('recordings of the same second', () => {
  const suite = useServer()

  it('are each seen once while others of that second come and go at the same time', async () => {
    const { client } = suite
    const old = await storeMany(client, COUNT, 1)
    const doomed = old.filter((_, index) => index % 6 === 0)
    const staying = old.filter((id) => !doomed.includes(id))
    const [seen, created] = await Promise.all([
      walk(client, PAGE_SIZE),
      storeMany(client, 60, 10_000),
      remove(client, doomed),
    ])
    expect(new Set(seen).size).toBe(seen.length)
    expect(staying.filter((id) => !seen.includes(id))).toEqual([])
    expect((await walk(client, 1000)).toSorted()).toEqual([...staying, ...created].toSorted())
  })
})

describe('a page whose neighbours are deleted', () => {
  const suite = useServer()

  it('still leads on and back to what is left', async () => {
    const { client } = suite
    await storeMany(client, 30, 50_000)
    const first = await pageOf(client, `${PATH}?page_size=5`)
    const second = await pageOf(client, nextOf(client, first) ?? '')
    // The very rows that the links' positions were made from.
    await remove(client, [first.data.at(-1)?.id, second.data[0]?.id, second.data.at(-1)?.id])
    const third = await pageOf(client, nextOf(client, second) ?? '')
    const back = await pageOf(client, second.links.prev?.slice(client.url.length) ?? '')
    const [firstIds, secondIds, thirdIds] = [first, second, third].map(({ data }) => data.map(({ id }) => id))
    expect(thirdIds).toHaveLength(5)
    expect(thirdIds?.filter((id) => firstIds?.includes(id) || secondIds?.includes(id))).toEqual([])
    expect(back.data.map(({ id }) => id)).toEqual(firstIds?.slice(0, -1))
  })
})
