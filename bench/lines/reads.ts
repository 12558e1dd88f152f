import { fillCatalogue } from '../fill.ts'
import { compare, formatNumber, type Line, median } from '../line.ts'
import { type Installation, install, upload } from '../poulsen.ts'
import { startSubject } from '../processes.ts'
import { measure } from '../wrk.ts'

const ROUNDS = 5
const START_ROUNDS = 5
/** Where recordings are. */
export const LIST = '/api/relay/rest/recordings'
const HEADERS_THAT_COUNT = ['content-type', 'x-request-id']

/** How many rows the catalogues have; `BENCH_ROWS` and `BENCH_ROWS_LARGE` make a quick look quicker (and say so in the table). */
const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000)
const ROWS_LARGE = Number(process.env.BENCH_ROWS_LARGE ?? 10_000_000)
const ROWS_SMALL = 1000

interface Filled {
  readonly installation: Installation
  readonly ids: readonly string[]
}

const fill = async (rows: number): Promise<Filled> => {
  const installation = install()
  {
    await using server = await installation.start()
    await upload(server.url, installation.authorization)
  }
  return { installation, ids: fillCatalogue(installation.dataDir, rows) }
}

const rateOf = async ({ installation, ids }: Filled, origin: string): Promise<number> => {
  const headers = { authorization: installation.authorization }
  return (await measure({ origin, paths: ids.map((id) => `${LIST}/${id}`), headers })).requestsPerSecond
}

/** GET of one recording: against bare node:http with the same bytes, and ten million rows against a thousand. */
export const measureReads = async (): Promise<readonly Line[]> => {
  const million = await fill(ROWS)
  const lines = [
    await againstBare(million),
    await deepList(million.installation, 'list', ROWS),
    await startLine(million),
  ]
  const small = await fill(ROWS_SMALL)
  const large = await fill(ROWS_LARGE)
  await using smallServer = await small.installation.start()
  await using largeServer = await large.installation.start()
  const growth = await compare({
    work: `GET one recording, ${formatNumber(ROWS_LARGE)} rows`,
    against: `${formatNumber(ROWS_SMALL)} rows`,
    targetRatio: 0.9,
    rounds: ROUNDS,
    unit: 'req/s',
    ours: () => rateOf(large, largeServer.url),
    reference: () => rateOf(small, smallServer.url),
  })
  return [...lines, growth]
}

const againstBare = async (filled: Filled): Promise<Line> => {
  const { installation, ids } = filled
  await using server = await installation.start()
  const headers = { authorization: installation.authorization }
  const same = await answerOf(`${server.url}${LIST}/${ids[0]}`, headers)
  await using bare = await startSubject(['bench/bare-http.ts'], same)
  return await compare({
    work: `GET one recording of ${formatNumber(ROWS)}, random ids, authenticated, one core`,
    against: 'bare node:http, the same bytes',
    targetRatio: 0.7,
    rounds: ROUNDS,
    unit: 'req/s',
    ours: () => rateOf(filled, server.url),
    reference: () => rateOf(filled, bare.url),
  })
}

/** An answer's bytes and head, as a bare server is told what to send. */
export const answerOf = async (
  url: string,
  headers: Record<string, string>,
): Promise<{ readonly BODY: string; readonly HEAD: string }> => {
  const answer = await fetch(url, { headers })
  const head = Object.fromEntries(HEADERS_THAT_COUNT.map((name) => [name, answer.headers.get(name) ?? '']))
  return { BODY: await answer.text(), HEAD: JSON.stringify(head) }
}

/** The list's ten thousandth page against its first. */
export const deepList = async (installation: Installation, work: string, rows: number): Promise<Line> => {
  await using server = await installation.start()
  const headers = { authorization: installation.authorization }
  const pageSize = Math.max(1, Math.min(100, Math.floor(rows / 10_001)))
  const first = `${LIST}?page_number=0&page_size=${pageSize}`
  let deep = first
  for (let page = 0; page < 10_000; page += 1) deep = await nextOf(server.url + deep, headers)
  const rate = async (path: string) => (await measure({ origin: server.url, paths: [path], headers })).requestsPerSecond
  return await compare({
    work: `${work}, page 10 000 of ${pageSize}`,
    against: 'page 1',
    targetRatio: 0.9,
    rounds: ROUNDS,
    unit: 'req/s',
    ours: () => rate(deep),
    reference: () => rate(first),
  })
}

const nextOf = async (url: string, headers: Record<string, string>): Promise<string> => {
  const { links } = (await (await fetch(url, { headers })).json()) as { links: { next?: string } }
  const { pathname, search } = new URL(links.next ?? 'missing:')
  return pathname + search
}

const startLine = async ({ installation }: Filled): Promise<Line> => {
  const seconds: number[] = []
  for (let round = 0; round < START_ROUNDS; round += 1) {
    await using server = await installation.start()
    const ready = await fetch(`${server.url}/readyz`)
    if (ready.status !== 200) throw new Error(`not ready: ${ready.status}`)
    seconds.push(server.startMs / 1000)
  }
  return {
    work: `start to ready with ${formatNumber(ROWS)} rows`,
    against: '–',
    target: '≤ 1 s',
    isReached: median(seconds) <= 1,
    ours: `${formatNumber(median(seconds))} s`,
    reference: '–',
    rounds: seconds,
  }
}
