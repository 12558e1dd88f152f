import { beforeEach, describe, expect, it } from 'vitest'
import { aTelemetry } from '../../test/builders/services.ts'
import { aGrowingRecording, aProject, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryLiveRecordings } from '../../test/fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { ToyTranscoder } from '../../test/fakes/toy-transcoder.ts'
import type { Project } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import { Derivations } from './derivations.ts'
import { Recordings } from './recordings.ts'

/** Notes whether a row was still there when its recording was discarded, and may let its file become an object just before. */
class WatchedLive extends MemoryLiveRecordings {
  rowsAtDiscard: unknown[] = []
  endsFirst = false

  override async discard(id: string): Promise<void> {
    this.rowsAtDiscard.push(await catalogue.findRecording(project.id, id))
    if (this.endsFirst) await put(mediaStore, keyOf.get(id) ?? '', this.end(id))
    await super.discard(id)
  }
}

const keyOf = new Map<string, string>()
let project: Project
let catalogue: MemoryCatalogue
let mediaStore: MemoryMediaStore
let cache: MemoryMediaStore
let live: WatchedLive
let derivations: Derivations
let recordings: Recordings

beforeEach(async () => {
  project = aProject()
  catalogue = new MemoryCatalogue()
  mediaStore = new MemoryMediaStore()
  cache = new MemoryMediaStore()
  live = new WatchedLive()
  const ports = { catalogue, mediaStore, cache, live, telemetry: aTelemetry(), transcoder: new ToyTranscoder() }
  derivations = new Derivations({ ...ports, cacheMaxBytes: 1000 })
  recordings = new Recordings({ ...ports, derivations })
  await catalogue.createProject(project)
})

const stored = async () => [await Array.fromAsync(mediaStore.list()), await Array.fromAsync(cache.list())]
const created = async (recording: Recording) => {
  await catalogue.createRecording(recording)
  keyOf.set(recording.id, recording.media?.key ?? '')
  return recording
}

describe('deleting', () => {
  it('removes the row, its bytes and what was derived of them', async () => {
    const recording = await created(aRecording(project.id))
    await put(mediaStore, recording.media?.key ?? '', Buffer.from('hello'))
    await derivations.derive(recording.media ?? expect.fail('no media'), 'mp3')
    await recordings.delete(project.id, recording.id)
    expect(await catalogue.findRecording(project.id, recording.id)).toBeUndefined()
    expect(await stored()).toEqual([[], []])
    expect(live.discarded).toEqual([])
  })

  it('of one in progress removes the row first, then ends it', async () => {
    const recording = await created(aGrowingRecording(project.id))
    live.grow(recording.id, Buffer.from('hello'))
    await recordings.delete(project.id, recording.id)
    expect([live.discarded, live.rowsAtDiscard]).toEqual([[recording.id], [undefined]])
    expect(await live.open(recording.id)).toBeUndefined()
    expect(await catalogue.findRecording(project.id, recording.id)).toBeUndefined()
  })

  it('of one that ends at the same moment leaves no bytes', async () => {
    const recording = await created(aGrowingRecording(project.id))
    live.grow(recording.id, Buffer.from('hello'))
    live.endsFirst = true
    await recordings.delete(project.id, recording.id)
    expect(await stored()).toEqual([[], []])
  })

  it('of one that a crash left in progress removes its row', async () => {
    const recording = await created(aGrowingRecording(project.id, { status: 'paused' }))
    await recordings.delete(project.id, recording.id)
    expect(await catalogue.findRecording(project.id, recording.id)).toBeUndefined()
  })

  it("of what is not there, or is another project's, ends nothing", async () => {
    const recording = await created(aGrowingRecording(project.id))
    live.grow(recording.id, Buffer.from('hello'))
    for (const [projectId, id] of [
      [aProject().id, recording.id],
      [project.id, aProject().id],
    ] as const) {
      await expect(recordings.delete(projectId, id)).rejects.toMatchObject({ code: 'RECORDING_NOT_FOUND' })
    }
    expect(live.discarded).toEqual([])
    expect(await live.open(recording.id)).toBeDefined()
  })
})
