import { beforeEach, expect, it } from 'vitest'
import { aTelemetry } from '../../test/builders/services.ts'
import { aRecording } from '../../test/builders/values.ts'
import { get, put } from '../../test/contract/media-store.contract.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { DERIVED_BYTES, ToyTranscoder } from '../../test/fakes/toy-transcoder.ts'
import type { MediaObject } from '../domain/media-object.ts'
import { Derivations } from './derivations.ts'

let mediaStore: MemoryMediaStore
let cache: MemoryMediaStore
let transcoder: ToyTranscoder
let telemetry: ReturnType<typeof aTelemetry>

beforeEach(() => {
  mediaStore = new MemoryMediaStore()
  cache = new MemoryMediaStore()
  transcoder = new ToyTranscoder()
  telemetry = aTelemetry()
})

const derivations = (cacheMaxBytes = 1000) =>
  new Derivations({ mediaStore, cache, transcoder, telemetry, cacheMaxBytes })
const aMedia = async (text: string): Promise<MediaObject> => {
  const { media } = aRecording('0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f5')
  if (!media) throw new Error('no media')
  await put(mediaStore, media.key, Buffer.from(text))
  return media
}
const cachedKeys = async () => (await Array.fromAsync(cache.list())).map(({ key }) => key)

it('derives once for all who ask at the same time, and answers from the cache afterwards', async () => {
  const media = await aMedia('hello')
  const subject = derivations()
  const stats = await Promise.all(Array.from({ length: 10 }, () => subject.derive(media, 'mp3')))
  expect(new Set(stats.map(({ key }) => key)).size).toBe(1)
  expect((await get(cache, stats[0]?.key ?? '')).toString().trim()).toBe('mp3 of hello')
  await subject.derive(media, 'mp3')
  expect(transcoder.runs).toBe(1)
  expect(telemetry.heard.at(-1)).toBe('derivation cached mp3')
})

it('keeps no failure: the next who asks gets another try', async () => {
  const media = await aMedia('hello')
  const subject = derivations()
  transcoder.isBroken = true
  await expect(subject.derive(media, 'mp3')).rejects.toMatchObject({ code: 'TRANSCODE_FAILED' })
  expect([await cachedKeys(), cache.unended]).toEqual([[], 0])
  transcoder.isBroken = false
  expect((await subject.derive(media, 'mp3')).byteSize).toBe(DERIVED_BYTES)
})

it('throws out what was used longest ago when the cache is full, never what was just asked for', async () => {
  const subject = derivations(2 * DERIVED_BYTES)
  const [a, b, c] = [await aMedia('a'), await aMedia('b'), await aMedia('c')]
  const keyOfA = (await subject.derive(a, 'mp3')).key
  const keyOfB = (await subject.derive(b, 'mp3')).key
  await subject.derive(a, 'mp3')
  const keyOfC = (await subject.derive(c, 'mp3')).key
  expect((await cachedKeys()).sort()).toEqual([keyOfA, keyOfC].sort())
  expect(await cachedKeys()).not.toContain(keyOfB)
  const tiny = derivations(1)
  await tiny.start()
  const only = (await tiny.derive(b, 'wav')).key
  expect(await cachedKeys()).toEqual([only])
})

it('learns what an earlier run left, and bounds that too', async () => {
  const media = await aMedia('hello')
  await derivations().derive(media, 'mp3')
  const next = derivations()
  await next.start()
  await next.derive(media, 'mp3')
  expect(transcoder.runs).toBe(1)
  await derivations(1).start()
  expect(await cachedKeys()).toEqual([])
})

it('derives again when the cache was emptied under it, and forgets with its recording', async () => {
  const media = await aMedia('hello')
  const subject = derivations()
  const { key } = await subject.derive(media, 'mp3')
  await cache.remove(key)
  await subject.derive(media, 'mp3')
  expect(transcoder.runs).toBe(2)
  await subject.derive(media, 'wav')
  await subject.forget(media)
  expect(await cachedKeys()).toEqual([])
})
