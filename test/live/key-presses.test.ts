import { afterAll, beforeAll, expect, it } from 'vitest'
import { analyse } from '../../src/caller/analyse.ts'
import { complaintsOf } from '../../src/caller/compare.ts'
import { placeCall } from '../../src/caller/place-call.ts'
import { LiveServer } from './support/live-server.ts'

const live = new LiveServer()
beforeAll(() => live.start())
afterAll(() => live.dispose())

it('keys that are pressed are silence in the recording, and no part of its quality but a gap', async () => {
  const presses = [
    { key: '4', atMs: 600, durationMs: 160 },
    { key: '#', atMs: 1500, durationMs: 240 },
  ]
  const outcome = await placeCall({ target: `sip:127.0.0.1:${live.sipPort()}`, durationMs: 2500, seed: 12, presses })
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  expect(outcome.sent.truth.events).toBe(8 + 2 + 12 + 2)
  const recording = await live.finalOf(outcome.callId)
  const { samples, sampleRateHz } = await live.audio(recording)
  expect(complaintsOf(analyse(samples, sampleRateHz, outcome.plan, outcome.expectation))).toEqual([])
  expect(recording.quality?.gaps).toEqual([
    { start_ms: 600, duration_ms: 160 },
    { start_ms: 1500, duration_ms: 240 },
  ])
  expect(recording.quality?.streams).toMatchObject([{ codec: 'PCMU', lost: 0, invalid: 0, strangers: 0 }])
})
