import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aGrowingRecording, aProject, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Project } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import type { ByteRange } from '../ports/media-store.ts'
import { SEAL_QUEUE_MAX, Sealing } from './sealing.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Counts its readings, of now and of all time; can be held and can be told to fail. */
class WatchedMediaStore extends MemoryMediaStore {
  readings = 0
  running = 0
  runningMax = 0
  fault: PoulsenError | undefined
  held: Promise<void> | undefined

  override async read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    this.readings += 1
    if (this.fault) throw this.fault
    return this.#watch(await super.read(key, range, signal))
  }

  async *#watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.running += 1
    this.runningMax = Math.max(this.runningMax, this.running)
    try {
      await this.held
      yield* source
    } finally {
      this.running -= 1
    }
  }
}

let project: Project
let catalogue: MemoryCatalogue
let mediaStore: WatchedMediaStore
let sealing: Sealing

beforeEach(async () => {
  project = aProject()
  catalogue = new MemoryCatalogue()
  mediaStore = new WatchedMediaStore()
  sealing = new Sealing({ catalogue, mediaStore })
  await catalogue.createProject(project)
})
afterEach(() => sealing.close())

/** A recorded call that has ended: row and bytes are there, its hash is not. */
const anEndedCall = async (audio: string | undefined, parts: Partial<Recording> = {}): Promise<Recording> => {
  const { media, ...recording } = aRecording(project.id, parts)
  if (!media) throw new Error('no media')
  const { sha256: _none, ...unsealed } = media
  const ended = { ...recording, media: { ...unsealed, byteSize: audio?.length ?? 5 } }
  if (audio !== undefined) await put(mediaStore, media.key, Buffer.from(audio))
  await catalogue.createRecording(ended)
  return ended
}

const hashOf = async ({ id }: Recording) => (await catalogue.findRecording(project.id, id))?.media?.sha256

describe('a recording that was just settled', () => {
  it('gets its hash in the background', async () => {
    const call = await anEndedCall('hello')
    sealing.add(call)
    expect(await hashOf(call)).toBeUndefined()
    await expect.poll(() => hashOf(call)).toBe(sha256('hello'))
    expect(await catalogue.findRecording(project.id, call.id)).toEqual({
      ...call,
      media: { ...call.media, sha256: sha256('hello') },
    })
  })

  it('waits for its turn: one at a time, a pass among them', async () => {
    const calls = await Promise.all(['a', 'b', 'c'].map((audio) => anEndedCall(audio.repeat(5000))))
    for (const call of calls) sealing.add(call)
    await sealing.sealUnsealed()
    expect(await Promise.all(calls.map(hashOf))).not.toContain(undefined)
    expect(mediaStore.runningMax).toBe(1)
  })

  it('that was deleted meanwhile, or has no audio, troubles nobody', async () => {
    const gone = await anEndedCall('hello')
    await catalogue.deleteRecording(project.id, gone.id)
    const { media: _none, ...silent } = aRecording(project.id, { status: 'no_input' })
    const last = await anEndedCall('last')
    for (const each of [await anEndedCall(undefined), gone, silent, last]) sealing.add(each)
    await expect.poll(() => hashOf(last)).toBe(sha256('last'))
    expect(await catalogue.findRecording(project.id, gone.id)).toBeUndefined()
  })

  it('finds no room behind too many, and is found by the next pass', async () => {
    const hold = Promise.withResolvers<void>()
    mediaStore.held = hold.promise
    const [first, last] = [await anEndedCall('first'), await anEndedCall('last')]
    const sealed = { ...first, media: { ...first.media, sha256: 'a'.repeat(64) } } as Recording
    sealing.add(first)
    for (let count = 1; count < SEAL_QUEUE_MAX; count += 1) sealing.add(sealed)
    sealing.add(last)
    hold.resolve()
    await expect.poll(() => hashOf(first)).toBe(sha256('first'))
    await sealing.seal(sealed)
    expect(await hashOf(last)).toBeUndefined()
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 1, missing: 0 })
    expect(await hashOf(last)).toBe(sha256('last'))
  })

  it('that fails is found by the next pass', async () => {
    const call = await anEndedCall('hello')
    mediaStore.fault = new PoulsenError({ code: 'MEDIA_UNAVAILABLE', kind: 'unavailable', message: 'a fault' })
    sealing.add(call)
    await expect(sealing.sealUnsealed()).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
    mediaStore.fault = undefined
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 1, missing: 0 })
    expect(await hashOf(call)).toBe(sha256('hello'))
  })
})

describe('a pass', () => {
  it('seals everything that a crash left, and nothing twice', async () => {
    const calls = await Promise.all(Array.from({ length: 250 }, (_, index) => anEndedCall(`call ${index}`)))
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 250, missing: 0 })
    expect(await Promise.all(calls.map(hashOf))).toEqual(calls.map((_, index) => sha256(`call ${index}`)))
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 0, missing: 0 })
    expect(mediaStore.readings).toBe(250)
  })

  it('leaves recordings in progress alone', async () => {
    await catalogue.createRecording(aGrowingRecording(project.id))
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 0, missing: 0 })
    expect(mediaStore.readings).toBe(0)
  })

  it('is not held up by recordings whose bytes are missing, however many and however old', async () => {
    for (let count = 0; count < 120; count += 1) await anEndedCall(undefined, { createdAtMs: 1000 + count })
    const call = await anEndedCall('hello')
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 1, missing: 120 })
    expect(await hashOf(call)).toBe(sha256('hello'))
    expect(mediaStore.readings).toBe(121)
  })

  it('ends when it is aborted, in the middle of a recording', async () => {
    const call = await anEndedCall('a'.repeat(5000))
    const ending = new AbortController()
    const hold = Promise.withResolvers<void>()
    mediaStore.held = hold.promise
    const pass = sealing.sealUnsealed(ending.signal)
    await expect.poll(() => mediaStore.running).toBe(1)
    ending.abort()
    hold.resolve()
    expect(await pass).toEqual({ sealed: 0, missing: 0 })
    expect(await hashOf(call)).toBeUndefined()
    expect(await sealing.sealUnsealed(AbortSignal.abort())).toEqual({ sealed: 0, missing: 0 })
  })
})

describe('closing', () => {
  it('ends what runs and what waits, and takes no more', async () => {
    const calls = [await anEndedCall('a'.repeat(5000)), await anEndedCall('b')]
    const hold = Promise.withResolvers<void>()
    mediaStore.held = hold.promise
    for (const call of calls) sealing.add(call)
    await expect.poll(() => mediaStore.running).toBe(1)
    const closed = sealing.close()
    hold.resolve()
    await closed
    sealing.add(await anEndedCall('c'))
    expect(await sealing.sealUnsealed()).toEqual({ sealed: 0, missing: 0 })
    expect(await Promise.all(calls.map(hashOf))).toEqual([undefined, undefined])
    expect([mediaStore.running, mediaStore.readings]).toEqual([0, 1])
  })
})

describe('sealing now', () => {
  it('gives the recording with its hash, which the catalogue has then, too', async () => {
    const call = await anEndedCall('hello')
    const sealed = await sealing.seal(call)
    expect(sealed).toEqual({ ...call, media: { ...call.media, sha256: sha256('hello') } })
    expect(await catalogue.findRecording(project.id, call.id)).toEqual(sealed)
  })

  it('changes nothing of what has a hash, is in progress, or has no audio', async () => {
    const { media: _none, ...silent } = aRecording(project.id, { status: 'no_input' })
    for (const recording of [aRecording(project.id), aGrowingRecording(project.id), silent]) {
      expect(await sealing.seal(recording)).toBe(recording)
    }
    expect(mediaStore.readings).toBe(0)
  })

  it('says so when the bytes are missing', async () => {
    const call = await anEndedCall(undefined)
    await expect(sealing.seal(call)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
  })
})
