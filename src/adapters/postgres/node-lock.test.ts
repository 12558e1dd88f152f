import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresServer } from '../../../test/support/postgres.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { acquireNodeLock } from './node-lock.ts'

const SETUP_MS = 300_000
const LONG_MS = 60_000

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
}, SETUP_MS)
afterAll(() => server?.stop())

describe("a node's lock", () => {
  it('is taken again when PostgreSQL is back, and what stood in the way is said in our words', {
    timeout: LONG_MS,
  }, async () => {
    const url = await server.database()
    const nodeId = randomUUID()
    const troubles: unknown[] = []
    const lock = await acquireNodeLock({ url, nodeId, onTrouble: (error) => troubles.push(error) })
    const rival = () => acquireNodeLock({ url, nodeId, onTrouble: () => {} })
    await expect(rival()).rejects.toMatchObject({ code: 'NODE_IN_USE' })
    await server.halt()
    await waitFor(() => troubles[0])
    await server.resume()
    await waitFor(async () => {
      const taken = await rival().catch((error: unknown) => error)
      if (taken instanceof Error) return /Another server is node/.test(taken.message) || undefined
      return (taken as Awaited<ReturnType<typeof rival>>).release()
    }, 20_000)
    for (const each of troubles)
      expect(each).toMatchObject({ code: expect.stringMatching(/^(CATALOGUE_UNAVAILABLE|NODE_IN_USE)$/) })
    await lock.release()
  })
})
