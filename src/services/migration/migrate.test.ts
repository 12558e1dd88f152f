import { hash, randomBytes, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aLiveRecording,
  aProject,
  aPublishToken,
  aRecording,
  aToken,
  aTrunk,
  someCallDetails,
  someCredentials,
  someMetadata,
} from '../../../test/builders/values.ts'
import { faulty, randomOf } from '../../../test/fakes/faulty.ts'
import { MemoryCatalogue } from '../../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../../test/fakes/memory-media-store.ts'
import type { Project } from '../../domain/project.ts'
import { NODE_LOST, type Recording } from '../../domain/recording.ts'
import type { MediaStore } from '../../ports/media-store.ts'
import { takeOver } from './incoming.ts'
import { type MigrationReport, migrate } from './migrate.ts'
import type { MigrationSource } from './sides.ts'

const QUIET = { planned() {}, moved() {} }
const SEEDS = 40
const RUNS_MAX = 400
const FATEFUL_CALLS = 800

/** So many numbers, then 0, for which nothing goes wrong: who is interrupted no more has to come to an end. */
const endingAfter = (count: number, random: () => number): (() => number) => {
  let left = count
  return () => (left-- > 0 ? random() : 0)
}

let catalogue: MemoryCatalogue
let mediaStore: MemoryMediaStore
let target: { catalogue: MemoryCatalogue; mediaStore: MemoryMediaStore }
let project: Project

beforeEach(async () => {
  ;[catalogue, mediaStore] = [new MemoryCatalogue(), new MemoryMediaStore()]
  target = { catalogue: new MemoryCatalogue(), mediaStore: new MemoryMediaStore() }
  project = aProject({ mediaUrlTtlSeconds: 60 })
  await catalogue.createProject(project)
})

const run = (more: Partial<MigrationSource> = {}): Promise<MigrationReport> =>
  migrate({ source: { catalogue, mediaStore, isServed: false, ...more }, target, isSameMedia: false }, QUIET)

const putBytes = async (store: MediaStore, key: string, bytes: Uint8Array): Promise<void> => {
  const writer = await store.open(key)
  await writer.append(bytes)
  await writer.finalise()
}
const bytesOf = async (store: MediaStore, key: string): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of await store.read(key)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
const keyOf = ({ media }: Recording): string => media?.key ?? ''

/** A recording with bytes at the source, as it is stored. */
const stored = async (parts: Partial<Recording> = {}): Promise<Recording> => {
  const recording = aRecording(parts.projectId ?? project.id, parts)
  const bytes = randomBytes(3_000)
  await putBytes(mediaStore, keyOf(recording), bytes)
  const media = recording.media && { ...recording.media, byteSize: bytes.length, sha256: hash('sha256', bytes) }
  const whole = { ...recording, ...(media && { media }) }
  await catalogue.createRecording(whole)
  return whole
}
/** A bit of everything that a catalogue has. */
const storeVariety = async (): Promise<void> => {
  for (let index = 0; index < 6; index += 1) await stored({ createdAtMs: 1000 + (index >> 1) })
  const other = aProject({ createdAtMs: 1 })
  await catalogue.createProject(other)
  await stored({ projectId: other.id })
  const { media: _none, ...silent } = aRecording(project.id, { status: 'no_input' })
  await catalogue.createRecording(silent, someCallDetails(), someMetadata())
  await catalogue.appendMetadata(project.id, silent.id, someMetadata({ receivedAtMs: 5 }))
  for (const { id } of [project, other]) {
    await catalogue.createToken(aToken(id))
    await catalogue.createTrunk(aTrunk(id, { credentials: someCredentials() }))
    await catalogue.createPublishToken(aPublishToken(id, { isUsed: id === other.id }))
  }
}
/** Everything that a catalogue and its media store have. */
const contentOf = async (rows: MemoryCatalogue, media: MediaStore) => {
  const projects = await rows.listProjects()
  const recordings = await Promise.all(projects.map(({ id }) => rows.listRecordings(id, { limit: 1000 })))
  const all = recordings.flatMap(({ items }) => items)
  return {
    projects,
    recordings,
    tokens: await Promise.all(projects.map(({ id }) => rows.listTokens(id))),
    trunks: await rows.listTrunks(),
    publishTokens: await rows.listPublishTokens(1000),
    details: await Promise.all(all.map(({ projectId, id }) => rows.findCallDetails(projectId, id))),
    metadata: await Promise.all(all.map(({ projectId, id }) => rows.listMetadata(projectId, id))),
    media: (await Array.fromAsync(media.list())).map(({ key }) => key).sort(),
    bytes: await Promise.all(all.filter((each) => each.media).map((each) => bytesOf(media, keyOf(each)))),
  }
}
const expectSame = async (): Promise<void> =>
  expect(await contentOf(target.catalogue, target.mediaStore)).toEqual(await contentOf(catalogue, mediaStore))

describe('a migration', () => {
  it('copies everything, and finds nothing to do the next time', async () => {
    await storeVariety()
    expect(await run()).toMatchObject({ copied: 8, removed: 0, unchanged: 0, bytes: 21_000, isComplete: true })
    await expectSame()
    expect(await run()).toMatchObject({ copied: 0, removed: 0, unchanged: 8, bytes: 0, isComplete: true })
  })

  it('is gone on with after any interruption, and leaves nothing open', async () => {
    await storeVariety()
    const copyMethods = ['createRecording', 'createProject', 'createToken', 'createTrunk', 'createPublishToken']
    const otherMethods = [
      'appendMetadata',
      'setIncomingMigration',
      'usePublishToken',
      'deleteRecording',
      'listRecordings',
    ]
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const random = endingAfter(FATEFUL_CALLS, randomOf(seed))
      target = { catalogue: new MemoryCatalogue(), mediaStore: new MemoryMediaStore() }
      const broken = {
        catalogue: faulty(target.catalogue, [...copyMethods, ...otherMethods], random),
        mediaStore: faulty(target.mediaStore, ['open', 'append', 'finalise', 'remove'], random),
      }
      const source = { catalogue, mediaStore: faulty(mediaStore, ['read'], random), isServed: false }
      let report: MigrationReport | undefined
      for (let runs = 0; runs < RUNS_MAX && !report; runs += 1)
        report = await migrate({ source, target: broken, isSameMedia: false }, QUIET).catch(() => undefined)
      expect(report, `seed ${seed}`).toBeDefined()
      await run()
      await expectSame()
      expect(target.mediaStore.unended).toBe(0)
    }
  })

  it('follows what was added, changed and deleted between two runs', async () => {
    const [kept, deleted, unsealed] = [await stored(), await stored(), await stored()]
    const token = aToken(project.id)
    const trunk = aTrunk(project.id, { credentials: someCredentials() })
    const published = aPublishToken(project.id)
    await catalogue.createToken(token)
    await catalogue.createTrunk(trunk)
    await catalogue.createPublishToken(published)
    const gone = aProject()
    await catalogue.createProject(gone)
    const last = await stored({ projectId: gone.id })
    await run()
    await catalogue.updateProject(project.id, { name: 'another', mediaUrlTtlSeconds: null })
    await catalogue.updateToken(project.id, token.id, { permissions: ['storage'] })
    await catalogue.deleteTrunk(trunk.id)
    await catalogue.createTrunk(aTrunk(project.id, { ...(trunk.credentials && { credentials: trunk.credentials }) }))
    await catalogue.usePublishToken(published.digest, 0)
    await catalogue.appendMetadata(project.id, kept.id, someMetadata())
    for (const each of [deleted, last, unsealed]) {
      await catalogue.deleteRecording(each.projectId, each.id)
      await mediaStore.remove(keyOf(each))
    }
    // The same id again, at another time and with other bytes.
    await stored({
      ...unsealed,
      createdAtMs: 5,
      media: { ...aRecording(project.id, { id: unsealed.id }).media!, key: 'x' },
    })
    await catalogue.deleteProject(gone.id)
    await stored({ createdAtMs: 1 })
    expect(await run()).toMatchObject({ removed: 2, isComplete: true })
    await expectSame()
    await catalogue.freePublishToken(published.digest)
    await run()
    await expectSame()
  })

  it('names what is not what the catalogue says, copies nothing of it, and copies the rest', async () => {
    const [whole, damaged, shorter, missing] = [await stored(), await stored(), await stored(), await stored()]
    for (const each of [damaged, shorter, missing]) await mediaStore.remove(keyOf(each))
    await putBytes(mediaStore, keyOf(damaged), randomBytes(3_000))
    await putBytes(mediaStore, keyOf(shorter), randomBytes(2_999))
    const { wrong, copied, isComplete, bytes } = await run()
    expect([copied, isComplete, wrong.count, bytes]).toEqual([1, true, 3, 3_000])
    expect(Object.fromEntries(wrong.first.map(({ id, why }) => [id, why]))).toEqual({
      [damaged.id]: 'its bytes are not those that were stored',
      [shorter.id]: 'has 2999 bytes instead of 3000',
      [missing.id]: 'its bytes are missing',
    })
    expect((await Array.fromAsync(target.mediaStore.list())).map(({ key }) => key)).toEqual([keyOf(whole)])
    expect((await target.catalogue.listRecordings(project.id, { limit: 9 })).items).toEqual([whole])
    expect(target.mediaStore.unended).toBe(0)
  })

  it('replaces what an earlier run left damaged at the target, and takes over what it left whole', async () => {
    const [damaged, whole] = [await stored(), await stored()]
    await run()
    for (const { id } of [damaged, whole]) await target.catalogue.deleteRecording(project.id, id)
    await target.mediaStore.remove(keyOf(damaged))
    await putBytes(target.mediaStore, keyOf(damaged), randomBytes(3_000))
    expect(await run()).toMatchObject({ copied: 2, wrong: { count: 0 } })
    await expectSame()
  })

  it('gives recordings of calls their hash before it copies them', async () => {
    const live = aLiveRecording(project.id)
    const bytes = randomBytes(500)
    await catalogue.createRecording(live)
    await putBytes(mediaStore, keyOf(live), bytes)
    const media = { ...live.media!, byteSize: bytes.length }
    await catalogue.settleRecording({ ...live, status: 'completed', media })
    expect(await run()).toMatchObject({ copied: 1 })
    await expectSame()
    const { items } = await target.catalogue.listRecordings(project.id, { limit: 1 })
    expect(items[0]?.media?.sha256).toBe(hash('sha256', bytes))
  })

  it('leaves what is in progress, says so, and is not complete until it is there', async () => {
    await stored()
    const live = aLiveRecording(project.id)
    await catalogue.createRecording(live)
    const report = await run()
    expect(report).toMatchObject({ copied: 1, isComplete: false, left: { count: 1 } })
    expect(report.left.first).toEqual([{ id: live.id, project_id: project.id, why: 'is in progress' }])
    const { media: _none, ...silent } = live
    await catalogue.settleRecording({ ...silent, status: 'no_input' }, someCallDetails())
    expect(await run()).toMatchObject({ copied: 1, unchanged: 1, isComplete: true })
    await expectSame()
  })

  it('leaves what only a node has, and copies the row of what a lost node was recording', async () => {
    const held = await stored()
    await mediaStore.remove(keyOf(held))
    const lost = aLiveRecording(project.id)
    await catalogue.createRecording(lost)
    await catalogue.settleRecording({ ...lost, status: 'failed', errorCode: NODE_LOST })
    const nodeId = randomUUID()
    const report = await run({ findHolder: async () => nodeId })
    expect(report).toMatchObject({ copied: 1, isComplete: false, wrong: { count: 0 } })
    expect(report.left.first[0]).toMatchObject({ id: held.id, why: `is on the disk of node ${nodeId}` })
  })

  it('says nothing of what was deleted while it was on its way', async () => {
    const recording = await stored()
    const deleting = new Proxy(mediaStore, {
      get: (store, name) => {
        if (name !== 'read') return Reflect.get(store, name, store)
        return async (key: string) => {
          await catalogue.deleteRecording(project.id, recording.id)
          await store.remove(key)
          return store.read(key)
        }
      },
    })
    expect(await run({ mediaStore: deleting })).toMatchObject({ copied: 0, wrong: { count: 0 }, left: { count: 0 } })
  })

  it('leaves a project that comes while it runs, and all that belongs to it, for the next run', async () => {
    await stored()
    const late = aProject()
    const growing = new Proxy(catalogue, {
      get: (rows, name) => {
        const value: unknown = Reflect.get(rows, name, rows)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          if (name === 'listTrunks') {
            await rows.createProject(late)
            await rows.createTrunk(aTrunk(late.id))
            await rows.createToken(aToken(late.id))
            await rows.createPublishToken(aPublishToken(late.id))
            await stored({ projectId: late.id })
          }
          return (value as (...args: unknown[]) => unknown).apply(rows, args)
        }
      },
    })
    expect(await run({ catalogue: growing })).toMatchObject({ copied: 1 })
    expect(await target.catalogue.listProjects()).toEqual([project])
    expect(await run()).toMatchObject({ copied: 1, unchanged: 1 })
    await expectSame()
  })

  it('verifies media that both sides share, and neither copies nor removes it', async () => {
    const [whole, damaged] = [await stored(), await stored()]
    const shared = {
      source: { catalogue, mediaStore, isServed: false },
      target: { ...target, mediaStore },
      isSameMedia: true,
    }
    await mediaStore.remove(keyOf(damaged))
    await putBytes(mediaStore, keyOf(damaged), randomBytes(3_000))
    expect(await migrate(shared, QUIET)).toMatchObject({ copied: 1, wrong: { count: 1 } })
    await catalogue.deleteRecording(project.id, whole.id)
    expect(await migrate(shared, QUIET)).toMatchObject({ removed: 1 })
    expect((await bytesOf(mediaStore, keyOf(whole))).length).toBe(3_000)
  })
})

describe('the target of a migration', () => {
  it('must be empty, or filled by the same source', async () => {
    await stored()
    await target.catalogue.createProject(aProject())
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_TARGET_TAKEN' })
    target = { catalogue: new MemoryCatalogue(), mediaStore: new MemoryMediaStore() }
    await putBytes(target.mediaStore, 'theirs', randomBytes(1))
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_TARGET_TAKEN' })
    expect(await target.catalogue.findIncomingMigration()).toBeUndefined()
    target = { catalogue: new MemoryCatalogue(), mediaStore: new MemoryMediaStore() }
    await target.catalogue.setIncomingMigration({ sourceId: randomUUID(), isComplete: true })
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_TARGET_TAKEN' })
  })

  it('must be another catalogue than the source, which must have something', async () => {
    await expect(
      migrate(
        { source: { catalogue, mediaStore, isServed: false }, target: { catalogue, mediaStore }, isSameMedia: true },
        QUIET,
      ),
    ).rejects.toMatchObject({ code: 'MIGRATION_SAME' })
    await catalogue.deleteProject(project.id)
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_SOURCE_EMPTY' })
  })

  it('is given to a server when it has everything, and then to no run any more', async () => {
    await stored()
    expect(await run({ isServed: true })).toMatchObject({ isComplete: false, isServed: true, copied: 1 })
    await expect(takeOver(target.catalogue)).rejects.toMatchObject({ code: 'CATALOGUE_INCOMPLETE' })
    expect(await run()).toMatchObject({ isComplete: true })
    await takeOver(target.catalogue)
    await takeOver(target.catalogue)
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_TARGET_TAKEN' })
  })

  it('is no source before it has everything', async () => {
    await stored()
    await run({ isServed: true })
    const half = { ...target, isServed: false }
    const fresh = { catalogue: new MemoryCatalogue(), mediaStore: new MemoryMediaStore() }
    await expect(migrate({ source: half, target: fresh, isSameMedia: false }, QUIET)).rejects.toMatchObject({
      code: 'CATALOGUE_INCOMPLETE',
    })
  })
})
