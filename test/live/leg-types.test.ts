import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placeCall } from '../../src/caller/place-call.ts'
import { cliOn } from '../integration/support/cli.ts'
import { complaintsOfCall } from './support/judge.ts'
import { LiveServer } from './support/live-server.ts'

/** A carrier's addresses, as far as this machine has any. */
const CARRIER = '127.0.0.64/27'
const live = new LiveServer()
const trunkIds = new Map<string, string>()

beforeAll(async () => {
  await live.start()
  const cli = cliOn(live.dataDir)
  const [first] = await cli.json<{ id: string; legType: string }[]>('trunk', 'list')
  // Nobody has called yet, so the server remembers no list without it.
  const made = ['--name', 'carrier', '--leg-type', 'pstn', '--network', CARRIER]
  const carrier = await cli.json<{ id: string }>('trunk', 'create', ...made)
  trunkIds.set('sip', first?.id ?? '').set('pstn', carrier.id)
})
afterAll(() => live.dispose())

/** All that a recording says of the legs it was made of. */
const legIdsOf = (recording: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(recording).filter(([name]) => /^relay_\w+_id$/.test(name)))

describe('a call of a trunk', () => {
  it.concurrent.each([
    ['pstn', '127.0.0.77'],
    ['sip', '127.0.0.1'],
  ] as const)('whose legs are %s has that one leg id in every view, and the trunk in its details', async (legType, localAddress) => {
    const target = `sip:127.0.0.1:${live.sipPort()}`
    const outcome = await placeCall({ target, localAddress, durationMs: 2000, seed: 81, codecs: ['PCMA'] })
    if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
    const details = await live.finalOf(outcome.callId)
    const got = await live.get<object>(`/api/relay/rest/recordings/${details.id}`)
    const listed = (await live.list()).find(({ id }) => id === details.id)
    const legIds = { [`relay_${legType}_leg_id`]: outcome.callId }
    expect([details, got, listed].map((view) => legIdsOf(view ?? {}))).toEqual([legIds, legIds, legIds])
    expect(details).toMatchObject({ status: 'completed', track: 'inbound', duration_ms: 2000 })
    expect(details.call).toMatchObject({
      trunk_id: trunkIds.get(legType),
      call_id: outcome.callId,
      end_reason: 'hangup',
      from: `<sip:caller@${localAddress}>`,
    })
    expect(await complaintsOfCall(live, outcome)).toEqual([])
  })
})
