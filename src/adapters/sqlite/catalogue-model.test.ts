import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { aProject, aRecording, aTrunk, someCallDetails, someMetadata } from '../../../test/builders/values.ts'
import { MemoryCatalogue } from '../../../test/fakes/memory-catalogue.ts'
import { RECORDING_STATUSES } from '../../domain/recording.ts'
import type { TrunkChanges } from '../../domain/trunk.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { NO_TELEMETRY } from '../../ports/telemetry.ts'
import { openSqliteCatalogue } from './catalogue.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const telemetry = NO_TELEMETRY

const WORK = [
  'createProject',
  'deleteProject',
  'createTrunk',
  'updateTrunk',
  'deleteTrunk',
  'listTrunks',
  'createRecording',
  'settleRecording',
  'sealRecording',
  'findRecording',
  'findCallDetails',
  'appendMetadata',
  'listMetadata',
  'deleteRecording',
  'list',
  'listUnsettled',
  'listUnsealed',
] as const
/** Few, so that operations meet. */
const uuids = (max: number) => fc.nat(max).map((n) => `00000000-0000-4000-8000-00000000000${n}`)
const operation = fc.record({
  work: fc.constantFrom(...WORK),
  id: uuids(1),
  other: uuids(2),
  time: fc.nat(3),
  status: fc.constantFrom(...RECORDING_STATUSES),
  isBare: fc.boolean(),
})
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

const certificatesOf = (time: number): readonly string[] => (time === 3 ? ['ab'.repeat(32)] : [])

const someTrunk = ({ id, other, time, isBare }: Operation) =>
  aTrunk(id, {
    id: other,
    createdAtMs: time,
    certificates: certificatesOf(time),
    ...(isBare ? {} : { credentials: { username: String(time), ha1Sha256: 'a', ha1Md5: 'b' }, callMaxSeconds: 5 }),
  })

const someChanges = ({ time, isBare }: Operation): TrunkChanges =>
  isBare
    ? { credentials: null, name: String(time), networks: time % 2 ? [] : ['::1'], certificates: certificatesOf(time) }
    : {
        layout: time % 2 ? 'mono' : 'separate',
        requiresSecureMedia: time > 1,
        keepsMetadata: time < 2,
        credentials: { username: String(time), ha1Sha256: 'c', ha1Md5: 'd' },
        callMaxSeconds: null,
      }

const someRecording = ({ id, other, time, status, isBare }: Operation) => {
  const { media, ...rest } = aRecording(id, { id: other, createdAtMs: time, status, leg: { type: 'sip', id: other } })
  if (isBare || !media) return rest
  const { sha256: _hash, ...unsealed } = media
  return { ...rest, media: unsealed }
}

const apply = (catalogue: Catalogue, operation: Operation): Promise<unknown> => {
  const { id, other, time, isBare } = operation
  const details = isBare ? undefined : someCallDetails({ callId: String(time) })
  const metadata = someMetadata({ receivedAtMs: time })
  const olderThan = time > 1 ? { olderThan: { createdAtMs: time, id: other } } : {}
  const work: Record<(typeof WORK)[number], () => Promise<unknown>> = {
    createProject: () => catalogue.createProject(aProject({ id })),
    deleteProject: () => catalogue.deleteProject(id),
    createTrunk: () => catalogue.createTrunk(someTrunk(operation)),
    updateTrunk: () => catalogue.updateTrunk(other, someChanges(operation)),
    deleteTrunk: () => catalogue.deleteTrunk(other),
    listTrunks: () => (isBare ? catalogue.listTrunks() : catalogue.listTrunks(id)),
    createRecording: () =>
      catalogue.createRecording(someRecording(operation), details, time > 1 ? metadata : undefined),
    settleRecording: () => catalogue.settleRecording(someRecording(operation), details),
    sealRecording: () => catalogue.sealRecording(id, other, String(time)),
    findRecording: () => catalogue.findRecording(id, other),
    findCallDetails: () => catalogue.findCallDetails(id, other),
    appendMetadata: () => catalogue.appendMetadata(id, other, metadata),
    listMetadata: () => catalogue.listMetadata(id, other),
    deleteRecording: () => catalogue.deleteRecording(id, other),
    list: () => catalogue.listRecordings(id, { limit: 2, ...olderThan }),
    listUnsettled: () => catalogue.listUnsettled(),
    listUnsealed: () => catalogue.listUnsealed(time),
  }
  return work[operation.work]()
}

const outcomeOf = (promise: Promise<unknown>): Promise<object> =>
  promise.then(
    (value) => ({ value }),
    ({ code }) => ({ code }),
  )

/** Leaves nothing of a run behind for the next. */
const empty = async (catalogue: Catalogue): Promise<void> => {
  for (const project of await catalogue.listProjects()) {
    const { items } = await catalogue.listRecordings(project.id, { limit: 1000 })
    for (const { id } of items) await catalogue.deleteRecording(project.id, id)
    await catalogue.deleteProject(project.id)
  }
}

describe('the SQLite catalogue', () => {
  it('answers as the model does, whatever is done to it', async () => {
    const real = await openSqliteCatalogue({ path: join(folder, 'catalogue.sqlite'), telemetry })
    const run = fc.array(operation, { minLength: 5, maxLength: 60 })
    await fc.assert(
      fc
        .asyncProperty(run, async (operations) => {
          const model = new MemoryCatalogue()
          for (const each of operations) {
            expect(await outcomeOf(apply(real, each)), each.work).toEqual(await outcomeOf(apply(model, each)))
          }
        })
        .afterEach(() => empty(real)),
      { numRuns: 80 },
    )
    await real.close()
  })
})
