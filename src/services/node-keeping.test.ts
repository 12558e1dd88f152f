import { beforeEach, describe, expect, it } from 'vitest'
import { aClock } from '../../test/builders/services.ts'
import { aLiveRecording, aProject, aRecording, someCallDetails } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryLiveRecordings } from '../../test/fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { MemoryNodes } from '../../test/fakes/memory-nodes.ts'
import { NodeKeeping } from './node-keeping.ts'
import { Whereabouts } from './whereabouts.ts'

let catalogue: MemoryCatalogue
let live: MemoryLiveRecordings
let mediaStore: MemoryMediaStore
let nodes: MemoryNodes
let keeping: NodeKeeping
let projectId: string
const LOST_AFTER_MS = 600_000
const clock = aClock()
const details = someCallDetails()
beforeEach(async () => {
  catalogue = new MemoryCatalogue()
  live = new MemoryLiveRecordings()
  mediaStore = new MemoryMediaStore()
  nodes = new MemoryNodes()
  keeping = new NodeKeeping({ nodes, catalogue, live, mediaStore, clock, lostAfterMs: LOST_AFTER_MS })
  const project = aProject()
  projectId = live.projectId = project.id
  await catalogue.createProject(project)
})

const withLive = async () => {
  const recording = aLiveRecording(projectId)
  await catalogue.createRecording(recording, details)
  return recording
}

describe('a beat', () => {
  it('ends here what was deleted through another node, and nothing else', async () => {
    const [kept, deleted, ended] = [await withLive(), await withLive(), await withLive()]
    for (const { id } of [kept, deleted, ended]) live.grow(id, Buffer.from('audio'))
    await catalogue.deleteRecording(projectId, deleted.id)
    await catalogue.settleRecording({ ...ended, status: 'completed' })
    await keeping.beat()
    expect(live.discarded).toEqual([deleted.id])
    expect(nodes.beats).toBe(1)
  })
})

describe('what was deleted', () => {
  const bytesOf = () => {
    const { id, media } = aRecording(projectId)
    return { projectId, recordingId: id, key: media?.key ?? '' }
  }

  it('leaves this disk, and is forgotten when it is gone; one that does not go holds up no other', async () => {
    const [absent, stubborn, other, kept] = [bytesOf(), bytesOf(), bytesOf(), bytesOf()]
    for (const { key } of [stubborn, other, kept]) await put(mediaStore, key, Buffer.from('audio'))
    nodes.deleted = [absent, stubborn, other]
    const remove = mediaStore.remove.bind(mediaStore)
    mediaStore.remove = async (key) => {
      if (key === stubborn.key) throw new Error('a disk that fails')
      return remove(key)
    }
    await expect(keeping.removeDeleted()).rejects.toThrow('a disk that fails')
    expect(nodes.deleted).toEqual([stubborn])
    mediaStore.remove = remove
    await keeping.removeDeleted()
    expect(nodes.deleted).toEqual([])
    expect((await Array.fromAsync(mediaStore.list())).map(({ key }) => key)).toEqual([kept.key])
  })

  it('keeps no beat waiting for a media store that does not answer', async () => {
    nodes.deleted = [bytesOf()]
    mediaStore.remove = () => new Promise(() => {})
    void keeping.removeDeleted()
    await keeping.beat()
    expect(nodes.beats).toBe(1)
  })
})

describe('what a lost node has left', () => {
  beforeEach(async () => {
    await keeping.beat()
    clock.advance(LOST_AFTER_MS)
  })

  it('is left alone until this node was heard for as long itself: else it was the catalogue that was away', async () => {
    const returned = new NodeKeeping({ nodes, catalogue, live, mediaStore, clock, lostAfterMs: LOST_AFTER_MS })
    nodes.lost = [await withLive()]
    const settleAfter = async (ms: number) => {
      clock.advance(ms)
      return returned.settleLost()
    }
    expect(await settleAfter(LOST_AFTER_MS)).toBe(0)
    await returned.beat()
    expect(await settleAfter(LOST_AFTER_MS - 1)).toBe(0)
    nodes.isAway = true
    await expect(returned.beat()).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
    expect(await settleAfter(1)).toBe(0)
    nodes.isAway = false
    await returned.beat()
    expect(await settleAfter(LOST_AFTER_MS - 1)).toBe(0)
    await returned.beat()
    expect(await settleAfter(1)).toBe(1)
  })

  it('fails, with what is known of it', async () => {
    const recordings = await Promise.all(Array.from({ length: 250 }, withLive))
    nodes.lost = recordings
    expect(await keeping.settleLost()).toBe(250)
    for (const recording of recordings) {
      const settled = await catalogue.findRecording(projectId, recording.id)
      expect(settled).toEqual({ ...recording, status: 'failed', errorCode: 'node_lost', updatedAtMs: clock.nowMs() })
    }
    const [first] = recordings
    expect(await catalogue.findCallDetails(projectId, first?.id ?? '')).toEqual({
      ...details,
      endReason: 'node_lost',
      endedAtMs: clock.nowMs(),
    })
  })

  it('is left alone when it has become final, or was deleted, meanwhile', async () => {
    const [ended, deleted] = [await withLive(), await withLive()]
    nodes.lost = [ended, deleted]
    await catalogue.settleRecording({ ...ended, status: 'no_input' })
    await catalogue.deleteRecording(projectId, deleted.id)
    expect(await keeping.settleLost()).toBe(0)
    expect(await catalogue.findRecording(projectId, ended.id)).toMatchObject({ status: 'no_input' })
  })

  it('is another node\u2019s business while that has the lease', async () => {
    nodes.lost = [await withLive()]
    nodes.hasLease = false
    expect(await keeping.settleLost()).toBe(0)
    expect(nodes.lost).toHaveLength(1)
  })
})

describe('whereabouts', () => {
  it('are elsewhere only when another node holds it, and its bytes are not here', async () => {
    const landing = new MemoryMediaStore()
    const whereabouts = new Whereabouts({ landing, nodes })
    const recording = await withLive()
    expect(await whereabouts.elsewhere(recording)).toBeUndefined()
    nodes.holders.set(recording.id, { nodeId: nodes.id })
    expect(await whereabouts.elsewhere(recording)).toBeUndefined()
    const holder = { nodeId: 'another', url: 'http://127.0.0.1:1' }
    nodes.holders.set(recording.id, holder)
    expect(await whereabouts.elsewhere(recording)).toEqual(holder)
    expect(await new Whereabouts({ landing }).elsewhere(recording)).toBeUndefined()
    await (await landing.open(recording.media?.key ?? '')).finalise()
    expect(await whereabouts.elsewhere(recording)).toBeUndefined()
    const { media: _none, ...silent } = recording
    expect(await whereabouts.elsewhere(silent)).toBeUndefined()
  })
})
