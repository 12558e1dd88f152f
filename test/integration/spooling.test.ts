import { hash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openFilesystemMediaStore } from '../../src/adapters/filesystem/media-store.ts'
import { PoulsenError } from '../../src/domain/errors.ts'
import type { MediaObject } from '../../src/domain/media-object.ts'
import { NODE_LOST, type Recording } from '../../src/domain/recording.ts'
import type { LocalMediaStore, MediaStore } from '../../src/ports/media-store.ts'
import { SpooledMediaStore } from '../../src/services/spooled-media-store.ts'
import { Spooling } from '../../src/services/spooling.ts'
import { aClock, aTelemetry } from '../builders/services.ts'
import { aLiveRecording, aProject, aRecording } from '../builders/values.ts'
import { describeMediaStore, get, put } from '../contract/media-store.contract.ts'
import { faulty, randomOf } from '../fakes/faulty.ts'
import { MemoryCatalogue } from '../fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../fakes/memory-media-store.ts'
import { MemoryNodes } from '../fakes/memory-nodes.ts'
import { waitFor } from '../support/wait-for.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-spool-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const running: Spooling[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((spooling) => spooling.close()))
})

let roots = 0
const openLocal = (): Promise<LocalMediaStore> => openFilesystemMediaStore({ root: join(folder, `${roots++}`) })

/** A remote store that can be away. */
class RemoteStore extends MemoryMediaStore {
  isAway = false
  asked = 0

  override async adopt(...args: Parameters<MediaStore['adopt']>) {
    this.#require()
    await super.adopt(...args)
  }

  override async remove(...args: Parameters<MediaStore['remove']>) {
    this.#require()
    return super.remove(...args)
  }

  #require(): void {
    this.asked += 1
    if (this.isAway) throw new PoulsenError({ code: 'MEDIA_UNAVAILABLE', kind: 'unavailable', message: 'away' })
  }
}

interface Stage {
  readonly local: LocalMediaStore
  readonly remote: RemoteStore
  readonly catalogue: MemoryCatalogue
  readonly store: SpooledMediaStore
  readonly nodes: MemoryNodes
  readonly telemetry: ReturnType<typeof aTelemetry>
  readonly clock: ReturnType<typeof aClock>
  readonly projectId: string
  readonly spooling: Spooling
  /** What runs after a crash, over the same disk. */
  restart(parts?: { readonly remote?: MediaStore }): Promise<Spooling>
}

const aStage = async (): Promise<Stage> => {
  const [local, removals] = [await openLocal(), await openLocal()]
  const remote = new RemoteStore()
  const catalogue = new MemoryCatalogue()
  const nodes = new MemoryNodes()
  const telemetry = aTelemetry()
  const clock = aClock()
  const project = aProject()
  await catalogue.createProject(project)
  const parts = {
    local,
    removals,
    catalogue,
    nodes,
    telemetry,
    clock,
    onTrouble: () => {},
    againMs: { first: 5, last: 20 },
  }
  const open = (over: { readonly remote?: MediaStore } = {}) => {
    const spooling = new Spooling({ ...parts, remote, ...over })
    running.push(spooling)
    return spooling
  }
  const spooling = open()
  const restart = async (over?: { readonly remote?: MediaStore }) => {
    const again = open(over)
    await again.start()
    return again
  }
  const store = new SpooledMediaStore({ local, remote, removals }, spooling)
  return { local, remote, catalogue, nodes, store, telemetry, clock, projectId: project.id, spooling, restart }
}

const keyOf = ({ media }: Recording): string => media?.key ?? ''

const isThere = (store: MediaStore, key: string): Promise<boolean> =>
  store.stat(key).then(
    () => true,
    () => false,
  )

/** A recording of these bytes. */
const recordingOf = ({ projectId }: Stage, bytes: Uint8Array): Recording => {
  const { media, ...rest } = aRecording(projectId)
  return { ...rest, media: { ...(media as MediaObject), sha256: hash('sha256', bytes) } }
}

/** Stores a recording as an upload does: its bytes, then its row. */
const store = async (stage: Stage, bytes: Uint8Array = randomBytes(3_000)): Promise<Recording> => {
  const recording = recordingOf(stage, bytes)
  await put(stage.store, keyOf(recording), bytes)
  await stage.catalogue.createRecording(recording)
  stage.nodes.hold(recording)
  return recording
}

const moved = ({ local, remote }: Stage, recording: Recording) =>
  waitFor(async () => {
    const [here, there] = await Promise.all([local, remote].map((each) => isThere(each, keyOf(recording))))
    return (there && !here) || undefined
  })

describeMediaStore('spooled', async () => {
  const { store } = await aStage()
  return { store, close: async () => {} }
})

describe('the spool', () => {
  it('lets a recording be heard here first, then there', async () => {
    const stage = await aStage()
    const bytes = randomBytes(5_000)
    const recording = await store(stage, bytes)
    expect([await isThere(stage.local, keyOf(recording)), await isThere(stage.remote, keyOf(recording))]).toEqual([
      true,
      false,
    ])
    expect(stage.spooling.state).toMatchObject({ waiting: 1, isAway: false })
    expect((await get(stage.store, keyOf(recording))).equals(bytes)).toBe(true)
    await stage.spooling.start()
    await moved(stage, recording)
    expect(
      (await get(stage.store, keyOf(recording), { startBytes: 10, endBytes: 20 })).equals(bytes.subarray(10, 20)),
    ).toBe(true)
    await waitFor(() => (stage.spooling.state.waiting === 0 ? true : undefined))
    expect(stage.telemetry.heard).toEqual(['moved 5000'])
  })

  it('keeps what is not final, and moves it when it is', async () => {
    const stage = await aStage()
    await stage.spooling.start()
    const live = aLiveRecording(stage.projectId)
    const path = join(folder, live.id)
    writeFileSync(path, 'a call')
    await stage.store.adopt(keyOf(live), path)
    await stage.catalogue.createRecording(live)
    // Another one comes later and is gone first.
    await moved(stage, await store(stage))
    expect(await isThere(stage.local, keyOf(live))).toBe(true)
    await stage.catalogue.settleRecording({ ...live, status: 'failed', errorCode: NODE_LOST })
    await moved(stage, await store(stage))
    expect(await isThere(stage.local, keyOf(live))).toBe(true)
    await stage.catalogue.settleRecording({ ...live, status: 'completed' })
    await moved(stage, live)
    // Asked once more after a crash: it is where it belongs.
    await stage.store.adopt(keyOf(live), path)
    expect((await get(stage.store, keyOf(live))).toString()).toBe('a call')
  })

  it('waits as long as the other store is away, and takes no harm', async () => {
    const stage = await aStage()
    stage.remote.isAway = true
    await stage.spooling.start()
    const bytes = randomBytes(2_000)
    const recordings = await Promise.all(Array.from({ length: 20 }, () => store(stage, bytes)))
    await waitFor(() => (stage.remote.asked > 3 ? true : undefined))
    expect(stage.spooling.state).toMatchObject({ waiting: 20, isAway: true })
    for (const each of recordings) expect((await get(stage.store, keyOf(each))).equals(bytes)).toBe(true)
    stage.remote.isAway = false
    await Promise.all(recordings.map((each) => moved(stage, each)))
    await waitFor(() => (stage.spooling.state.waiting === 0 ? true : undefined))
    expect(stage.spooling.state.isAway).toBe(false)
    expect(stage.telemetry.heard).toContain('not moved MEDIA_UNAVAILABLE')
  })

  it('removes here at once, and there when it is back', async () => {
    const stage = await aStage()
    await stage.spooling.start()
    const recording = await store(stage)
    await moved(stage, recording)
    stage.remote.isAway = true
    await stage.catalogue.deleteRecording(stage.projectId, recording.id)
    expect(await stage.store.remove(keyOf(recording))).toBe(true)
    expect(await stage.store.remove(keyOf(recording))).toBe(true)
    await stage.spooling.close()
    stage.remote.isAway = false
    expect(await isThere(stage.remote, keyOf(recording))).toBe(true)
    await stage.restart()
    await waitFor(async () => !(await isThere(stage.remote, keyOf(recording))) || undefined)
  })

  it('removes there when it is back although nothing else is to be done', async () => {
    const stage = await aStage()
    await stage.spooling.start()
    const recording = await store(stage)
    await moved(stage, recording)
    await waitFor(() => (stage.spooling.state.waiting === 0 ? true : undefined))
    stage.remote.isAway = true
    await stage.catalogue.deleteRecording(stage.projectId, recording.id)
    await stage.store.remove(keyOf(recording))
    await waitFor(() => stage.spooling.state.isAway || undefined)
    stage.remote.isAway = false
    await waitFor(async () => !(await isThere(stage.remote, keyOf(recording))) || undefined)
    await waitFor(() => !stage.spooling.state.isAway || undefined)
  })

  it('lets no deletion wait for a store that is known to be away', async () => {
    const stage = await aStage()
    const [first, second] = [await store(stage), await store(stage)]
    await stage.spooling.start()
    await Promise.all([first, second].map((each) => moved(stage, each)))
    stage.remote.isAway = true
    const waiting = await store(stage)
    await waitFor(() => stage.spooling.state.isAway || undefined)
    const hang = Promise.withResolvers<never>()
    hang.promise.catch(() => {})
    const remove = stage.remote.remove.bind(stage.remote)
    stage.remote.remove = () => hang.promise
    await stage.catalogue.deleteRecording(stage.projectId, first.id)
    expect(await stage.store.remove(keyOf(first))).toBe(true)
    stage.remote.remove = remove
    hang.reject(new PoulsenError({ code: 'MEDIA_UNAVAILABLE', kind: 'unavailable', message: 'away' }))
    stage.remote.isAway = false
    await moved(stage, waiting)
    await waitFor(async () => !(await isThere(stage.remote, keyOf(first))) || undefined)
    expect(await isThere(stage.remote, keyOf(second))).toBe(true)
  })

  it('releases what was moved, also when the catalogue is away just then', async () => {
    const stage = await aStage()
    const recording = await store(stage)
    stage.nodes.isAway = true
    await stage.spooling.start()
    await moved(stage, recording)
    await waitFor(() => (stage.nodes.refusals > 0 ? true : undefined))
    stage.nodes.isAway = false
    await waitFor(() => !stage.nodes.holders.has(recording.id) || undefined)
  })

  it('does not release a recording that has come under the id of one that was deleted on its way', async () => {
    const stage = await aStage()
    const bytes = randomBytes(2_000)
    const recording = await store(stage, bytes)
    const again = { ...recording, media: { ...recording.media!, key: `${keyOf(recording)}0` } }
    const adopt = stage.remote.adopt.bind(stage.remote)
    stage.remote.adopt = async (...args) => {
      stage.remote.adopt = adopt
      await adopt(...args)
      await stage.catalogue.deleteRecording(stage.projectId, recording.id)
      stage.remote.isAway = true
      await put(stage.store, keyOf(again), bytes)
      await stage.catalogue.createRecording(again)
      stage.nodes.hold(again)
    }
    await stage.spooling.start()
    await waitFor(() => (stage.telemetry.heard.includes('not moved MEDIA_UNAVAILABLE') ? true : undefined))
    expect(stage.nodes.holders.has(recording.id)).toBe(true)
    stage.remote.isAway = false
    await moved(stage, again)
    await waitFor(() => !stage.nodes.holders.has(recording.id) || undefined)
    await waitFor(async () => !(await isThere(stage.remote, keyOf(recording))) || undefined)
  })

  it('removes there what was deleted while it was on its way', async () => {
    const stage = await aStage()
    const bytes = randomBytes(1_000)
    const recording = await store(stage, bytes)
    const remove = stage.remote.remove.bind(stage.remote)
    const adopt = stage.remote.adopt.bind(stage.remote)
    stage.remote.adopt = async (...args) => {
      await stage.catalogue.deleteRecording(stage.projectId, recording.id)
      await stage.store.remove(keyOf(recording))
      // It was read before it was removed.
      writeFileSync(args[1], bytes)
      await adopt(...args)
    }
    let removals = 0
    stage.remote.remove = (key) => {
      removals += 1
      return remove(key)
    }
    await stage.spooling.start()
    await waitFor(async () => (removals === 2 && !(await isThere(stage.remote, keyOf(recording)))) || undefined)
  })

  it('moves what an earlier run left, and what found no room', async () => {
    const stage = await aStage()
    const recordings = await Promise.all(Array.from({ length: 50 }, () => store(stage)))
    await stage.restart()
    await Promise.all(recordings.map((each) => moved(stage, each)))
  })

  it('keeps here what a disk has damaged, says so, and moves the others', async () => {
    const stage = await aStage()
    const damaged = await store(stage)
    const path = stage.local.pathOf(keyOf(damaged))
    writeFileSync(path, randomBytes(3_000))
    await stage.spooling.start()
    await moved(stage, await store(stage))
    await waitFor(() => stage.telemetry.heard.includes('not moved MEDIA_CORRUPT') || undefined)
    expect(await isThere(stage.remote, keyOf(damaged))).toBe(false)
    expect(stage.nodes.holders.has(damaged.id)).toBe(true)
    expect(stage.spooling.state).toMatchObject({ waiting: 1, isAway: false })
  })

  it('releases everything that an earlier run moved and could not say so, however much', async () => {
    const stage = await aStage()
    const waiting = await store(stage)
    await stage.catalogue.deleteRecording(stage.projectId, waiting.id)
    for (let count = 0; count < 2_500; count += 1) stage.nodes.hold(aRecording(stage.projectId))
    await stage.restart()
    expect([...stage.nodes.holders.keys()]).toEqual([waiting.id])
  })

  it('leaves alone what is nobody\u2019s', async () => {
    const stage = await aStage()
    const orphan = aRecording(stage.projectId)
    await put(stage.store, keyOf(orphan), Buffer.from('no row'))
    await put(stage.store, 'a/foreign/name', Buffer.from('not a recording'))
    await stage.spooling.start()
    await moved(stage, await store(stage))
    expect([await isThere(stage.local, keyOf(orphan)), await isThere(stage.local, 'a/foreign/name')]).toEqual([
      true,
      true,
    ])
  })

  it('asks ever more rarely about what has no row', async () => {
    const stage = await aStage()
    await stage.spooling.start()
    const bytes = Buffer.from('no row')
    const orphans = Array.from({ length: 20 }, () => recordingOf(stage, bytes))
    for (const each of orphans) await put(stage.store, keyOf(each), bytes)
    const asked: string[] = []
    const findRecording = stage.catalogue.findRecording.bind(stage.catalogue)
    stage.catalogue.findRecording = (projectId, id) => {
      asked.push(id)
      return findRecording(projectId, id)
    }
    stage.clock.advance(10_000)
    asked.length = 0
    await waitFor(() => orphans.every(({ id }) => asked.includes(id)) || undefined)
    asked.length = 0
    stage.clock.advance(9_000)
    for (let index = 0; index < 10; index += 1) await moved(stage, await store(stage))
    expect(asked.filter((id) => orphans.some((each) => each.id === id))).toEqual([])
    // A row that comes late is found all the same.
    for (const each of orphans) await stage.catalogue.createRecording(each)
    stage.clock.advance(1_000)
    await Promise.all(orphans.map((each) => moved(stage, each)))
  })

  it.each([1, 2, 3, 4, 5])('loses nothing whatever fails on the way (seed %i)', async (seed) => {
    const stage = await aStage()
    const bytes = randomBytes(4_000)
    const recordings = await Promise.all(Array.from({ length: 30 }, () => store(stage, bytes)))
    const remote = faulty<MediaStore>(stage.remote, ['adopt', 'remove', 'stat'], randomOf(seed))
    await stage.restart({ remote })
    await Promise.all(recordings.map((each) => moved(stage, each)))
    for (const each of recordings) expect((await get(stage.store, keyOf(each))).equals(bytes)).toBe(true)
  })
})
