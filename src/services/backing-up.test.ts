import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { aGrowingRecording, aProject, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { openFilesystemMediaStore } from '../adapters/filesystem/media-store.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Recording } from '../domain/recording.ts'
import type { LocalMediaStore } from '../ports/media-store.ts'
import { type BackupParts, copyMedia, listObsolete, measureBackup } from './backing-up.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-backing-up-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BYTES = Buffer.from('the bytes of a recording')
const project = aProject()
let catalogue: MemoryCatalogue
let copy: MemoryCatalogue
let source: LocalMediaStore
let target: LocalMediaStore
let parts: BackupParts
let roots = 0

beforeEach(async () => {
  catalogue = new MemoryCatalogue()
  copy = new MemoryCatalogue()
  for (const each of [catalogue, copy]) await each.createProject(project)
  source = await openFilesystemMediaStore({ root: join(folder, `${roots++}`) })
  target = await openFilesystemMediaStore({ root: join(folder, `${roots++}`) })
  parts = { catalogue, copy, source, target, isShared: false }
})

const keyOf = ({ media }: Recording): string => media?.key ?? ''
/** A recording that was there when the catalogue was copied. */
const stored = async (): Promise<Recording> => {
  const { media, ...rest } = aRecording(project.id)
  if (!media) throw new Error('no media')
  const recording = { ...rest, media: { ...media, byteSize: BYTES.length } }
  for (const each of [catalogue, copy]) await each.createRecording(recording)
  await put(source, keyOf(recording), BYTES)
  return recording
}
const idsIn = async (rows: MemoryCatalogue): Promise<readonly string[]> =>
  (await rows.listRecordings(project.id, { limit: 100 })).items.map(({ id }) => id).sort()
const keysIn = async (store: LocalMediaStore) => (await Array.fromAsync(store.list())).map(({ key }) => key).sort()

it('brings every object that the copy names, as one file with two names on one file system', async () => {
  const recordings = [await stored(), await stored()]
  expect(await measureBackup(parts)).toBe(2 * BYTES.length)
  expect(await copyMedia(parts)).toMatchObject({ recordings: 2, added: 2, bytes: 2 * BYTES.length, missing: [] })
  expect(await keysIn(target)).toEqual(recordings.map(keyOf).sort())
  for (const each of recordings) expect(statSync(target.pathOf(keyOf(each))).nlink).toBe(2)
  expect(await measureBackup(parts)).toBe(0)
  expect(await copyMedia(parts)).toMatchObject({ recordings: 2, added: 0, kept: 2 })
})

it('leaves out what was deleted meanwhile, row and bytes', async () => {
  const [stays, goes] = [await stored(), await stored()]
  await catalogue.deleteRecording(project.id, goes.id)
  await source.remove(keyOf(goes))
  expect(await copyMedia(parts)).toMatchObject({ recordings: 1, added: 1, deleted: 1, missing: [] })
  expect(await idsIn(copy)).toEqual([stays.id])
})

it('leaves out what is deleted between a look at it and its copy', async () => {
  const goes = await stored()
  const share = target.share.bind(target)
  target.share = async (key, path) => {
    await catalogue.deleteRecording(project.id, goes.id)
    await source.remove(key)
    return share(key, path)
  }
  expect(await copyMedia(parts)).toMatchObject({ recordings: 0, deleted: 1, missing: [] })
  expect([await idsIn(copy), await keysIn(target)]).toEqual([[], []])
})

it('keeps what is deleted after its bytes were brought, as the copy says', async () => {
  const goes = await stored()
  await copyMedia(parts)
  await catalogue.deleteRecording(project.id, goes.id)
  await source.remove(keyOf(goes))
  expect(await copyMedia(parts)).toMatchObject({ recordings: 1, kept: 1, deleted: 0 })
  expect([await idsIn(copy), await listObsolete(parts)]).toEqual([[goes.id], []])
})

it('names what is lost, or cut off, and not what may be elsewhere', async () => {
  const lost = await stored()
  await source.remove(keyOf(lost))
  await put(source, keyOf(lost), BYTES.subarray(1))
  expect(await copyMedia(parts)).toMatchObject({ recordings: 0, missing: [{ id: lost.id, projectId: project.id }] })
  expect(await copyMedia({ ...parts, isShared: true })).toMatchObject({ recordings: 1, elsewhere: 1, missing: [] })
  expect(await idsIn(copy)).toEqual([lost.id])
})

it('counts what is in progress, and what ended without audio', async () => {
  const { media: _none, ...silent } = aRecording(project.id, { status: 'no_input' })
  for (const each of [aGrowingRecording(project.id), silent]) await copy.createRecording(each)
  expect(await copyMedia(parts)).toMatchObject({ recordings: 1, added: 0, inProgress: 1 })
})

it('finds what no row names any more, and nothing that is not ours', async () => {
  const recording = await stored()
  await copyMedia(parts)
  await put(target, 'somebody/elses', BYTES)
  expect(await listObsolete(parts)).toEqual([])
  await copy.deleteRecording(project.id, recording.id)
  expect(await listObsolete(parts)).toEqual([keyOf(recording)])
})

it('goes by the rows in use where the catalogue is not copied, and removes none', async () => {
  const [here, lost] = [await stored(), await stored()]
  await source.remove(keyOf(lost))
  const { copy: _none, ...live } = parts
  expect(await copyMedia(live)).toMatchObject({ recordings: 1, added: 1, missing: [{ id: lost.id }] })
  expect(await idsIn(catalogue)).toEqual([here.id, lost.id].sort())
})

it('ends at the first failure, and the next run goes on from there', async () => {
  for (let count = 0; count < 30; count += 1) await stored()
  const share = target.share.bind(target)
  const full = new PoulsenError({ code: 'MEDIA_DISK_FULL', kind: 'unavailable', message: 'full' })
  let shared = 0
  target.share = async (key, path) => {
    shared += 1
    if (shared > 10) throw full
    return share(key, path)
  }
  await expect(copyMedia(parts)).rejects.toThrow(full)
  target.share = share
  expect(await copyMedia(parts)).toMatchObject({ recordings: 30, kept: 10, added: 20 })
})
