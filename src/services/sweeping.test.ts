import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { aClock, aTelemetry } from '../../test/builders/services.ts'
import { aGrowingRecording, aProject, aPublishToken, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Recording } from '../domain/recording.ts'
import { SWEEP_AGE_MIN_MS, Sweeping } from './sweeping.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-sweep-'))
afterAll(() => rmSync(folder, { recursive: true }))

const clock = aClock()
const project = aProject()
let catalogue: MemoryCatalogue
let mediaStore: MemoryMediaStore
let cache: MemoryMediaStore
let telemetry: ReturnType<typeof aTelemetry>
let notes: MemoryMediaStore
let sweeping: Sweeping
const NOTHING = { store: 'local', orphans: 0, unfinished: 0, kept: 0 }
const KEEP_MS = 7 * 24 * 60 * 60 * 1000

/** One that keeps orphans for so long; at once, unless said. */
const sweepingThat = (keepMs = 0): Sweeping =>
  new Sweeping({ name: 'local', catalogue, store: mediaStore, cache, notes, keepMs, clock, telemetry })

beforeEach(async () => {
  catalogue = new MemoryCatalogue()
  mediaStore = new MemoryMediaStore(clock.nowMs)
  cache = new MemoryMediaStore(clock.nowMs)
  telemetry = aTelemetry()
  notes = new MemoryMediaStore(clock.nowMs)
  sweeping = sweepingThat()
  await catalogue.createProject(project)
})

const keysIn = async (store: MemoryMediaStore) => (await Array.fromAsync(store.list())).map(({ key }) => key).sort()
const keyOf = ({ media }: Recording) => media?.key ?? ''

it('removes bytes without a row, derived ones too, once they are an hour old', async () => {
  const orphan = keyOf(aRecording(project.id))
  await put(mediaStore, orphan, Buffer.from('1'))
  await put(cache, `${orphan}.mp3`, Buffer.from('2'))
  clock.advance(SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  clock.advance(1)
  expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 2 })
  expect([await keysIn(mediaStore), await keysIn(cache)]).toEqual([[], []])
  expect(telemetry.heard).toEqual(['swept 0 0, kept 0', 'swept 2 0, kept 0'])
})

it('leaves what a row names, what was derived of it, and what is not ours', async () => {
  const recording = aRecording(project.id)
  await catalogue.createRecording(recording)
  await put(mediaStore, keyOf(recording), Buffer.from('1'))
  await put(mediaStore, 'somebody/elses', Buffer.from('2'))
  await put(cache, `${keyOf(recording)}.mp3`, Buffer.from('3'))
  clock.advance(10 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  expect(await keysIn(mediaStore)).toEqual([keyOf(recording), 'somebody/elses'].sort())
})

it('asks for many keys at once, and misses none', async () => {
  const kept: string[] = []
  for (let index = 0; index < 1201; index += 1) {
    const recording = aRecording(project.id)
    await put(mediaStore, keyOf(recording), Buffer.from('1'))
    if (index % 3 === 0) continue
    await catalogue.createRecording(recording)
    kept.push(keyOf(recording))
  }
  clock.advance(2 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toMatchObject({ orphans: 401, unfinished: 0 })
  expect(await keysIn(mediaStore)).toEqual(kept.sort())
})

it('removes the bytes of an upload that lost to another under the same id', async () => {
  const recording = aRecording(project.id)
  const lost = `${keyOf(recording).slice(0, -16)}fedcba9876543210`
  await catalogue.createRecording(recording)
  for (const key of [keyOf(recording), lost]) await put(mediaStore, key, Buffer.from('1'))
  clock.advance(2 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 1 })
  expect(await keysIn(mediaStore)).toEqual([keyOf(recording)])
})

it.each([
  'recording',
  'paused',
] as const)('leaves the bytes of a call whose row still says %s, however old they are', async (status) => {
  const recording = aGrowingRecording(project.id, { status })
  await catalogue.createRecording(recording)
  // As after a crash between the end of the file and the end of the row: recovery settles it, whenever that is.
  await put(mediaStore, keyOf(recording), Buffer.from('1'))
  clock.advance(100 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  expect(await keysIn(mediaStore)).toEqual([keyOf(recording)])
})

it('leaves the bytes of a row in any final state, whether its hash is known or not', async () => {
  const keys: string[] = []
  for (const status of ['completed', 'no_input', 'failed'] as const) {
    const { media, ...recording } = aRecording(project.id, { status })
    if (!media) throw new Error('no media')
    const { sha256: _unknown, ...unsealed } = media
    for (const each of [media, unsealed]) {
      const id = randomUUID()
      const key = media.key.replaceAll(recording.id, id)
      await catalogue.createRecording({ ...recording, id, media: { ...each, key } })
      await put(mediaStore, key, Buffer.from('1'))
      keys.push(key)
    }
  }
  clock.advance(100 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  expect(await keysIn(mediaStore)).toEqual(keys.sort())
})

it('takes an adopted file for as old as its adoption, whenever its bytes were written', async () => {
  const orphan = keyOf(aRecording(project.id))
  const path = join(folder, 'call')
  writeFileSync(path, '1')
  utimesSync(path, 1, 1)
  await mediaStore.adopt(orphan, path)
  clock.advance(SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  clock.advance(1)
  expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 1 })
})

it('removes the bytes of a call that was deleted while its file became an object', async () => {
  const recording = aGrowingRecording(project.id)
  await catalogue.createRecording(recording)
  await catalogue.deleteRecording(project.id, recording.id)
  await put(mediaStore, keyOf(recording), Buffer.from('1'))
  clock.advance(SWEEP_AGE_MIN_MS + 1)
  expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 1 })
})

it('never removes a row, whatever has become of its bytes', async () => {
  const recording = aRecording(project.id)
  await catalogue.createRecording(recording)
  clock.advance(10 * SWEEP_AGE_MIN_MS)
  await sweeping.sweep()
  expect(await catalogue.findRecording(project.id, recording.id)).toEqual(recording)
})

it('removes tokens to publish with once they have been expired for an hour, used or not', async () => {
  const expiresAtMs = clock.nowMs()
  const tokens = [
    aPublishToken(project.id, { expiresAtMs }),
    aPublishToken(project.id, { expiresAtMs, isUsed: true }),
    aPublishToken(project.id, { expiresAtMs: expiresAtMs + 1 }),
  ]
  for (const token of tokens) await catalogue.createPublishToken(token)
  const left = () => Promise.all(tokens.map(({ digest }) => catalogue.findPublishToken(digest)))
  clock.advance(SWEEP_AGE_MIN_MS - 1)
  await sweeping.sweep()
  expect(await left()).toEqual(tokens)
  clock.advance(1)
  expect(await sweeping.sweep()).toEqual(NOTHING)
  expect(await left()).toEqual([undefined, undefined, tokens[2]])
})

it('ends early when the server stops', async () => {
  for (let count = 0; count < 3; count += 1) {
    await put(mediaStore, keyOf(aRecording(randomUUID())), Buffer.from('1'))
  }
  clock.advance(2 * SWEEP_AGE_MIN_MS)
  expect(await sweeping.sweep(AbortSignal.abort())).toEqual(NOTHING)
})

describe('one that keeps what has no row for seven days', () => {
  beforeEach(() => {
    sweeping = sweepingThat(KEEP_MS)
  })

  it('counts them from the first time it met it, whatever its age', async () => {
    const orphan = keyOf(aRecording(project.id))
    await put(mediaStore, orphan, Buffer.from('1'))
    clock.advance(10 * KEEP_MS)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, kept: 1 })
    clock.advance(KEEP_MS)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, kept: 1 })
    clock.advance(1)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 1 })
    expect([await keysIn(mediaStore), await keysIn(notes)]).toEqual([[], []])
  })

  it('begins anew when a row has named it in between', async () => {
    const recording = aRecording(project.id)
    await put(mediaStore, keyOf(recording), Buffer.from('1'))
    clock.advance(2 * SWEEP_AGE_MIN_MS)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, kept: 1 })
    await catalogue.createRecording(recording)
    clock.advance(2 * KEEP_MS)
    expect(await sweeping.sweep()).toEqual(NOTHING)
    await catalogue.deleteRecording(project.id, recording.id)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, kept: 1 })
    expect(await keysIn(mediaStore)).toEqual([keyOf(recording)])
  })

  it('keeps nothing that can be derived again', async () => {
    await put(cache, `${keyOf(aRecording(project.id))}.mp3`, Buffer.from('1'))
    clock.advance(2 * SWEEP_AGE_MIN_MS)
    expect(await sweeping.sweep()).toEqual({ ...NOTHING, orphans: 1 })
  })

  it('forgets what somebody else has taken away', async () => {
    const orphan = keyOf(aRecording(project.id))
    await put(mediaStore, orphan, Buffer.from('1'))
    clock.advance(2 * SWEEP_AGE_MIN_MS)
    await sweeping.sweep()
    expect(await keysIn(notes)).toEqual([orphan])
    await mediaStore.remove(orphan)
    await sweeping.sweep()
    expect(await keysIn(notes)).toEqual([])
  })

  it('removes nothing while it cannot take notes', async () => {
    await put(mediaStore, keyOf(aRecording(project.id)), Buffer.from('1'))
    const full = new PoulsenError({ code: 'MEDIA_DISK_FULL', kind: 'unavailable', message: 'full' })
    notes.open = () => Promise.reject(full)
    for (let count = 0; count < 3; count += 1) {
      clock.advance(KEEP_MS)
      await expect(sweeping.sweep()).rejects.toThrow(full)
    }
    expect(await keysIn(mediaStore)).toHaveLength(1)
  })
})

it('lists what no row names, however young, and nothing else', async () => {
  const [recording, orphan] = [aRecording(project.id), aRecording(project.id)]
  await catalogue.createRecording(recording)
  for (const each of [recording, orphan]) await put(mediaStore, keyOf(each), Buffer.from('12'))
  await put(mediaStore, 'somebody/elses', Buffer.from('2'))
  expect(await Array.fromAsync(sweeping.listOrphans())).toEqual([
    { key: keyOf(orphan), byteSize: 2, modifiedMs: clock.nowMs() },
  ])
})
