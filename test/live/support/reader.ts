import { setTimeout as delay } from 'node:timers/promises'
import type { Credentials, RunningServer } from '../../acceptance/support/server.ts'

/** A recording as the list has it. */
export interface ListedRecording {
  readonly id: string
  readonly status: string
  readonly url?: string
  readonly byte_size?: number
}

const PAUSE_MS = 20

/** False for one that ended without audio. */
export const hasBytes = ({ byte_size }: ListedRecording): boolean => byte_size !== undefined

/** Gets a path or a whole URL of a server; its body must come with 200. */
const get = async (server: RunningServer, { authorization }: Credentials, path: string): Promise<Response> => {
  const response = await fetch(new URL(path, server.url), { headers: { authorization } })
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response
}

/** Every page of a server's list, forwards, without the address of the server. */
export const listPages = async (
  server: RunningServer,
  credentials: Credentials,
  pageSize: number,
): Promise<readonly (readonly ListedRecording[])[]> => {
  const pages: ListedRecording[][] = []
  let path: string | undefined = `/api/relay/rest/recordings?page_size=${pageSize}`
  while (path !== undefined) {
    const text: string = await (await get(server, credentials, path)).text()
    const page = JSON.parse(text.replaceAll(server.url, '')) as { data: ListedRecording[]; links: { next?: string } }
    pages.push(page.data)
    path = page.links.next
  }
  return pages
}

/** The bytes of a listed recording. */
export const mediaOf = async (
  server: RunningServer,
  credentials: Credentials,
  { url = '' }: ListedRecording,
): Promise<Buffer> => Buffer.from(await (await get(server, credentials, url)).arrayBuffer())

/** Reads from a server until it is told to stop, which gives the number of answers and the longest wait in milliseconds. Any answer but 200 makes `stop` reject. */
export const beginReading = (server: RunningServer, credentials: Credentials) => {
  let isRunning = true
  let answers = 0
  let longestMs = 0
  const timed = async (path: string): Promise<Response> => {
    const begunMs = performance.now()
    const response = await get(server, credentials, path)
    await response.clone().arrayBuffer()
    longestMs = Math.max(longestMs, performance.now() - begunMs)
    answers += 1
    return response
  }
  const reading = (async () => {
    while (isRunning) {
      const response = await timed('/api/relay/rest/recordings?page_size=20')
      const { data } = (await response.json()) as { data: readonly ListedRecording[] }
      const some = data.find(hasBytes)
      if (some?.url) await timed(some.url)
      await delay(PAUSE_MS)
    }
  })()
  // Heard of in the end.
  reading.catch(() => {})
  return {
    stop: async () => {
      isRunning = false
      await reading
      return { answers, longestMs }
    },
  }
}
