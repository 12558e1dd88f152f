import { randomUUID } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import { aClock, aTelemetry } from '../../test/builders/services.ts'
import { aProject, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import type { Recording } from '../domain/recording.ts'
import { SWEEP_AGE_MIN_MS, Sweeping } from './sweeping.ts'

const clock = aClock()
const project = aProject()
let catalogue: MemoryCatalogue
let mediaStore: MemoryMediaStore
let cache: MemoryMediaStore
let telemetry: ReturnType<typeof aTelemetry>
let sweeping: Sweeping

beforeEach(async () => {
  catalogue = new MemoryCatalogue()
  mediaStore = new MemoryMediaStore(clock.nowMs)
  cache = new MemoryMediaStore(clock.nowMs)
  telemetry = aTelemetry()
  sweeping = new Sweeping({ catalogue, mediaStore, cache, clock, telemetry })
  await catalogue.createProject(project)
})

const keysIn = async (store: MemoryMediaStore) => (await Array.fromAsync(store.list())).map(({ key }) => key).sort()
const keyOf = ({ media }: Recording) => media?.key ?? ''

it('removes bytes without a row, derived ones too, once they are an hour old', async () => {
  const orphan = keyOf(aRecording(project.id))
  await put(mediaStore, orphan, Buffer.from('1'))
  await put(cache, `${orphan}.mp3`, Buffer.from('2'))
  clock.advance(SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual({ orphans: 0, unfinished: 0 })
  clock.advance(1)
  expect(await sweeping.sweep()).toEqual({ orphans: 2, unfinished: 0 })
  expect([await keysIn(mediaStore), await keysIn(cache)]).toEqual([[], []])
  expect(telemetry.heard).toEqual(['swept 0 0', 'swept 2 0'])
})

it('leaves what a row names, what was derived of it, and what is not ours', async () => {
  const recording = aRecording(project.id)
  await catalogue.createRecording(recording)
  await put(mediaStore, keyOf(recording), Buffer.from('1'))
  await put(mediaStore, 'somebody/elses', Buffer.from('2'))
  await put(cache, `${keyOf(recording)}.mp3`, Buffer.from('3'))
  clock.advance(10 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual({ orphans: 0, unfinished: 0 })
  expect(await keysIn(mediaStore)).toEqual([keyOf(recording), 'somebody/elses'].sort())
})

it('removes the bytes of an upload that lost to another under the same id', async () => {
  const recording = aRecording(project.id)
  const lost = `${keyOf(recording).slice(0, -16)}fedcba9876543210`
  await catalogue.createRecording(recording)
  for (const key of [keyOf(recording), lost]) await put(mediaStore, key, Buffer.from('1'))
  clock.advance(2 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual({ orphans: 1, unfinished: 0 })
  expect(await keysIn(mediaStore)).toEqual([keyOf(recording)])
})

it('never removes a row, whatever has become of its bytes', async () => {
  const recording = aRecording(project.id)
  await catalogue.createRecording(recording)
  clock.advance(10 * SWEEP_AGE_MIN_MS)
  await sweeping.sweep()
  expect(await catalogue.findRecording(project.id, recording.id)).toEqual(recording)
})

it('ends early when the server stops', async () => {
  for (let count = 0; count < 3; count += 1) {
    await put(mediaStore, keyOf(aRecording(randomUUID())), Buffer.from('1'))
  }
  clock.advance(2 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep(AbortSignal.abort())).toEqual({ orphans: 0, unfinished: 0 })
})
