import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CallGenerator } from '../../src/caller/place-call.ts'
import { PostgresServer } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'
import { LiveServer } from './support/live-server.ts'

const CALL_MS = 8_000
const SHORT_MS = 2_000

let postgres: PostgresServer
let live: LiveServer
let generator: CallGenerator

beforeAll(async () => {
  postgres = await PostgresServer.start()
  live = new LiveServer({ POULSEN_CATALOGUE: await postgres.database() })
  await live.start()
  generator = await CallGenerator.open({ target: `sip:127.0.0.1:${live.sipPort()}` })
}, 60_000)
afterEach(async () => {
  for (const { id } of await live.list()) await live.remove(id)
})
afterAll(async () => {
  generator?.close()
  await live?.dispose()
  await postgres?.stop()
})

describe.each([
  ['stopped', () => postgres.halt(), () => postgres.resume()],
  ['frozen', async () => postgres.freeze(), async () => postgres.thaw()],
] as const)('while PostgreSQL is %s', (_, leave, comeBack) => {
  it('calls go on, end, and are final when it is back, whole', async () => {
    const started = [await generator.start({ durationMs: CALL_MS, seed: 1 })]
    started.push(await generator.start({ durationMs: SHORT_MS, seed: 2 }))
    const running = started.map((each) => {
      if (each.kind !== 'running') throw new Error(`not answered: ${JSON.stringify(each.invite)}`)
      return each
    })
    await leave()
    await running[1]?.outcome
    const refused = await generator.start({ durationMs: SHORT_MS, seed: 3 })
    expect(refused).toMatchObject({ kind: 'failed', invite: { kind: 'refused', status: 503 } })
    await comeBack()
    const calls = await Promise.all(running.map((each) => each.outcome))
    for (const { callId, sent } of calls) {
      const recording = await live.finalOf(callId, 30_000)
      expect(recording).toMatchObject({ status: 'completed', call: { end_reason: 'hangup' } })
      expect(recording.error_code).toBeUndefined()
      expect(Math.abs(recording.duration_ms - sent.truth.durationMs)).toBeLessThan(60)
      expect(recording.quality?.streams[0]?.lost).toBe(0)
    }
    await waitFor(async () => {
      const again = await generator.start({ durationMs: 200, seed: 4 })
      return again.kind === 'running' ? again.outcome.then(() => true) : undefined
    }, 20_000)
  }, 90_000)
})
