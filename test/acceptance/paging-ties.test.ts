import { beforeAll, describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer()
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

let old: readonly string[]

const storeMany = async (count: number, seed: number): Promise<string[]> => {
  const ids: string[] = []
  for (let made = 0; made < count; made += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - made) }, (_, index) =>
      suite.client.store(wavOf(seed + made + index, 500), SAME_SECOND),
    )
    ids.push(...(await Promise.all(some)).map(({ id }) => id as string))
  }
  return ids
}

const pageOf = async (path: string): Promise<Page> => (await suite.client.get(path)).json as unknown as Page
const pathOf = (link: string): string => link.slice(suite.client.url.length)

beforeAll(async () => {
  old = await storeMany(COUNT, 1)
})

describe('recordings of the same second', () => {
  it('are each seen once while others of that second come and go at the same time', async () => {
    const doomed = old.filter((_, index) => index % 6 === 0)
    const staying = old.filter((id) => !doomed.includes(id))
    const changes = Promise.all([
      storeMany(60, 10_000),
      (async () => {
        for (const id of doomed) {
          expect((await suite.client.ask({ method: 'DELETE', path: `${PATH}/${id}` })).status).toBe(204)
        }
      })(),
    ])
    const seen: string[] = []
    let path: string | undefined = `${PATH}?page_size=${PAGE_SIZE}`
    while (path !== undefined) {
      const page = await pageOf(path)
      seen.push(...page.data.map(({ id }) => id))
      path = page.links.next === undefined ? undefined : pathOf(page.links.next)
    }
    const [created] = await changes
    expect(new Set(seen).size).toBe(seen.length)
    expect(staying.filter((id) => !seen.includes(id))).toEqual([])
    const after: string[] = []
    for (let next: string | undefined = `${PATH}?page_size=1000`; next !== undefined; ) {
      const page: Page = await pageOf(next)
      after.push(...page.data.map(({ id }) => id))
      next = page.links.next === undefined ? undefined : pathOf(page.links.next)
    }
    expect(after.toSorted()).toEqual([...staying, ...created].toSorted())
  })
})

describe('a page whose neighbours are deleted', () => {
  it('still leads on and back to what is left', async () => {
    const ids = await storeMany(30, 50_000)
    const first = await pageOf(`${PATH}?page_size=5`)
    const second = await pageOf(pathOf(first.links.next ?? ''))
    // The very rows that the links' positions were made from.
    const edges = [first.data.at(-1)?.id, second.data[0]?.id, second.data.at(-1)?.id]
    for (const id of edges)
      expect((await suite.client.ask({ method: 'DELETE', path: `${PATH}/${id}` })).status).toBe(204)
    const third = await pageOf(pathOf(second.links.next ?? ''))
    const back = await pageOf(pathOf(second.links.prev ?? ''))
    const [firstIds, secondIds, thirdIds] = [first, second, third].map(({ data }) => data.map(({ id }) => id))
    expect(thirdIds).toHaveLength(5)
    expect(thirdIds?.filter((id) => firstIds?.includes(id) || secondIds?.includes(id))).toEqual([])
    expect(back.data.map(({ id }) => id)).toEqual(firstIds?.slice(0, -1))
    expect(ids.length).toBe(30)
  })
})
