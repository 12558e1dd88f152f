import { beforeEach, describe, expect, it } from 'vitest'
import { aTelemetry } from '../../test/builders/services.ts'
import { aRecording } from '../../test/builders/values.ts'
import { get, put } from '../../test/contract/media-store.contract.ts'
import { MemoryLiveRecordings } from '../../test/fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { DERIVED_BYTES, ToyTranscoder } from '../../test/fakes/toy-transcoder.ts'
import type { MediaObject } from '../domain/media-object.ts'
import type { LiveMedia } from '../ports/live-recordings.ts'
import { Derivations } from './derivations.ts'
import { type MediaOwner, parseMediaKey } from './media-key.ts'

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
const ownerOf = ({ key }: MediaObject): MediaOwner => {
  const owner = parseMediaKey(key)
  if (!owner) throw new Error(`${key} is nobody's`)
  return owner
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
  await subject.forget(ownerOf(media))
  expect(await cachedKeys()).toEqual([])
})

describe('of a recording in progress', () => {
  const ID = '0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f6'
  let live: MemoryLiveRecordings
  let media: MediaObject

  beforeEach(async () => {
    live = new MemoryLiveRecordings()
    media = { ...(await aMedia('')), format: 'ogg', codec: 'opus', wav: { sampleRateHz: 48_000 } }
  })

  const grown = async (text: string): Promise<LiveMedia> => {
    live.grow(ID, Buffer.from(text))
    const found = await live.open(ID)
    if (!found) throw new Error('not in progress')
    return found
  }
  const textOf = async (key: string) => (await get(cache, key)).toString().trim()

  it('makes one WAV for all who ask while it is made, and of no more than there was', async () => {
    const subject = derivations()
    const early = await grown('one ')
    const first = subject.deriveGrowing(media, early)
    const late = await grown('two')
    const stats = await Promise.all([first, subject.deriveGrowing(media, late), subject.deriveGrowing(media, early)])
    expect(transcoder.runs).toBe(1)
    expect(new Set(stats.map(({ key }) => key)).size).toBe(1)
    expect(await textOf(stats[0].key)).toBe('wav of one')
  })

  it('keeps the newest WAV and the one before, which somebody may be about to read', async () => {
    const subject = derivations()
    const first = await subject.deriveGrowing(media, await grown('one '))
    const second = await subject.deriveGrowing(media, await grown('two '))
    expect(await textOf(second.key)).toBe('wav of one two')
    expect(await cachedKeys()).toEqual([first.key, second.key])
    const third = await subject.deriveGrowing(media, await grown('three'))
    expect(await cachedKeys()).toEqual([second.key, third.key])
  })

  it('has none of it left when it has ended, nor when the server was killed', async () => {
    const subject = derivations()
    await subject.deriveGrowing(media, await grown('one '))
    const whole = await subject.derive(media, 'mp3')
    await subject.endGrowing(ownerOf(media))
    expect(await cachedKeys()).toEqual([whole.key])
    await subject.deriveGrowing(media, await grown('two'))
    const next = derivations()
    await next.start()
    expect(await cachedKeys()).toHaveLength(2)
    await next.dropGrowing()
    expect(await cachedKeys()).toEqual([whole.key])
  })

  it('whose WAV could not be dropped at its end has it dropped with the recording', async () => {
    const subject = derivations()
    await subject.deriveGrowing(media, await grown('one'))
    const remove = cache.remove.bind(cache)
    cache.remove = () => Promise.reject(new Error('the disk is away'))
    await expect(subject.endGrowing(ownerOf(media))).rejects.toThrow('the disk is away')
    cache.remove = remove
    await subject.forget(ownerOf(media))
    expect(await cachedKeys()).toEqual([])
  })

  it('that is deleted while a WAV or an MP3 of it is made leaves nothing behind', async () => {
    const subject = derivations()
    const running = [subject.deriveGrowing(media, await grown('one')), subject.derive(media, 'mp3')]
    const outcomes = Promise.allSettled(running)
    await subject.forget(ownerOf(media))
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'MEDIA_NOT_FOUND' } },
      { status: 'rejected', reason: { code: 'MEDIA_NOT_FOUND' } },
    ])
    expect([await cachedKeys(), cache.unended]).toEqual([[], 0])
  })

  it('makes none anew while nothing has come', async () => {
    const subject = derivations()
    const now = await grown('one')
    const first = await subject.deriveGrowing(media, now)
    for (let again = 0; again < 3; again += 1) expect((await subject.deriveGrowing(media, now)).key).toBe(first.key)
    expect(transcoder.runs).toBe(1)
    expect(await cachedKeys()).toEqual([first.key])
  })

  it('keeps no failure, and the one before meanwhile', async () => {
    const subject = derivations()
    const first = await subject.deriveGrowing(media, await grown('one '))
    transcoder.isBroken = true
    const more = await grown('two')
    await expect(subject.deriveGrowing(media, more)).rejects.toMatchObject({ code: 'TRANSCODE_FAILED' })
    expect([await cachedKeys(), cache.unended]).toEqual([[first.key], 0])
    transcoder.isBroken = false
    expect(await textOf((await subject.deriveGrowing(media, more)).key)).toBe('wav of one two')
  })

  it('never mistakes it for the WAV of the whole, and forgets both with the recording', async () => {
    const subject = derivations()
    const growing = await subject.deriveGrowing(media, await grown('one'))
    const whole = await subject.derive(media, 'wav')
    expect(await textOf(whole.key)).toBe('wav of')
    expect((await cachedKeys()).sort()).toEqual([growing.key, whole.key].sort())
    await subject.forget(ownerOf(media))
    expect(await cachedKeys()).toEqual([])
  })

  it('knows what is whose: two recordings do not replace each other', async () => {
    const subject = derivations()
    const other = { ...(await aMedia('')), format: 'ogg' } as const
    const now = await grown('one')
    const keys = [(await subject.deriveGrowing(media, now)).key, (await subject.deriveGrowing(other, now)).key]
    expect((await cachedKeys()).sort()).toEqual(keys.sort())
    await subject.forget(ownerOf(other))
    expect(await cachedKeys()).toEqual([`${media.key}.live-3.wav`])
  })

  it('drops the oldest WAV when those of more than 1,000 recordings are there', async () => {
    const subject = derivations(Number.POSITIVE_INFINITY)
    const now = await grown('one')
    const makeFor = async (index: number) =>
      (
        await subject.deriveGrowing(
          { ...media, key: `${media.key.slice(0, -20)}${String(index).padStart(4, '0')}.0` },
          now,
        )
      ).key
    const keys: string[] = []
    while (keys.length < 1_000) keys.push(await makeFor(keys.length))
    expect(await cachedKeys()).toEqual(keys)
    keys.push(await makeFor(1_000))
    expect(await cachedKeys()).toEqual(keys.slice(1))
    expect(await makeFor(0)).toBe(keys[0])
    expect(transcoder.runs).toBe(1_002)
    expect(await cachedKeys()).toEqual([...keys.slice(2), keys[0]])
  })

  it('is bounded with all else', async () => {
    const subject = derivations(DERIVED_BYTES)
    await subject.derive(await aMedia('a'), 'mp3')
    const growing = await subject.deriveGrowing(media, await grown('one'))
    expect(await cachedKeys()).toEqual([growing.key])
    const { key } = await subject.derive(await aMedia('b'), 'mp3')
    expect(await cachedKeys()).toEqual([key])
    expect((await subject.deriveGrowing(media, await grown(' two'))).byteSize).toBe(DERIVED_BYTES)
  })
})
