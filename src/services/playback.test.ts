import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, aTelemetry } from '../../test/builders/services.ts'
import { aGrowingRecording, aProject, aRecording } from '../../test/builders/values.ts'
import { put } from '../../test/contract/media-store.contract.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryLiveRecordings } from '../../test/fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { ToyTranscoder } from '../../test/fakes/toy-transcoder.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Project } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import { Derivations } from './derivations.ts'
import { type Playable, Playback } from './playback.ts'

let clock: ReturnType<typeof aClock>
let catalogue: MemoryCatalogue
let live: MemoryLiveRecordings
let mediaStore: MemoryMediaStore
let cache: MemoryMediaStore
let transcoder: ToyTranscoder
let playback: Playback

beforeEach(() => {
  clock = aClock()
  catalogue = new MemoryCatalogue()
  live = new MemoryLiveRecordings()
  mediaStore = new MemoryMediaStore()
  cache = new MemoryMediaStore()
  transcoder = new ToyTranscoder()
  const ports = { catalogue, live, mediaStore, cache, transcoder, clock, telemetry: aTelemetry() }
  const derivations = new Derivations({ ...ports, cacheMaxBytes: 1000 })
  playback = new Playback({ ...ports, derivations })
})

const capabilityOf = (project: Project, recording: ReturnType<typeof aRecording>) => {
  const { searchParams } = new URL(playback.mediaPath(project, recording), 'http://localhost')
  const exp = searchParams.get('exp')
  return { sig: searchParams.get('sig') ?? '', ...(exp !== null && { exp }) }
}

describe('a capability', () => {
  it('opens its recording, and no other', () => {
    const project = aProject()
    const recording = aRecording(project.id)
    const capability = capabilityOf(project, recording)
    expect(capability.sig).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(playback.isOpenedBy(project, recording.id, capability)).toBe(true)
    expect(playback.isOpenedBy(project, aRecording(project.id).id, capability)).toBe(false)
    expect(playback.isOpenedBy({ ...aProject(), id: project.id }, recording.id, capability)).toBe(false)
  })

  it.each(['', 'x', 'A'.repeat(22), 'ä'.repeat(22)])('%j opens nothing', (sig) => {
    const project = aProject()
    expect(playback.isOpenedBy(project, aRecording(project.id).id, { sig })).toBe(false)
  })

  it('with a signature that is cut or longer opens nothing', () => {
    const project = aProject()
    const recording = aRecording(project.id)
    const { sig } = capabilityOf(project, recording)
    for (const wrong of [sig.slice(0, -1), `${sig}A`, `${sig}=`]) {
      expect(playback.isOpenedBy(project, recording.id, { sig: wrong })).toBe(false)
    }
  })

  it('ends when the project says so, and its end cannot be moved', () => {
    const project = aProject({ mediaUrlTtlSeconds: 60 })
    const recording = aRecording(project.id)
    const capability = capabilityOf(project, recording)
    expect(playback.isOpenedBy(project, recording.id, capability)).toBe(true)
    const later = { ...capability, exp: String(Number(capability.exp) + 1) }
    const padded = { ...capability, exp: `0${capability.exp}` }
    const endless = { sig: capability.sig }
    for (const forged of [later, padded, endless, { ...capability, exp: '' }, { ...capability, exp: '1e99' }]) {
      expect(playback.isOpenedBy(project, recording.id, forged), JSON.stringify(forged)).toBe(false)
    }
    clock.advance(60_000)
    expect(playback.isOpenedBy(project, recording.id, capability)).toBe(false)
  })

  it('from before the project set a time counts no more; nor does any once it protects its recordings', () => {
    const project = aProject()
    const recording = aRecording(project.id)
    const capability = capabilityOf(project, recording)
    expect(playback.isOpenedBy({ ...project, mediaUrlTtlSeconds: 60 }, recording.id, capability)).toBe(false)
    expect(playback.isOpenedBy({ ...project, protectRecordings: true }, recording.id, capability)).toBe(false)
    expect(playback.mediaPath({ ...project, protectRecordings: true }, recording)).not.toContain('?')
  })
})

const bytesOf = async ({ read, byteSize }: Playable, startBytes = 0, endBytes = byteSize): Promise<string> => {
  const chunks = await read({ startBytes, endBytes }, new AbortController().signal)
  return Buffer.concat(await Array.fromAsync(chunks, (chunk) => Buffer.from(chunk))).toString()
}

/** What a browser sent, whose URL gives a WAV. */
const asPublished = (recording: Recording): Recording => {
  if (!recording.media) throw new Error('no media')
  const wav = { sampleRateHz: 48_000 }
  return { ...recording, media: { ...recording.media, format: 'ogg', codec: 'opus', sampleRateHz: 48_000, wav } }
}

/** A recording in progress, with its row and what there is of its audio. */
const aLiveCall = async (audio: string, as = (recording: Recording) => recording): Promise<Recording> => {
  const project = aProject()
  const recording = as(aGrowingRecording(project.id))
  await catalogue.createProject(project)
  await catalogue.createRecording(recording)
  live.grow(recording.id, Buffer.from(audio))
  return recording
}

/** Hang-up: the file becomes an object, the row final. */
const hangUp = async (recording: Recording): Promise<Recording> => {
  const bytes = live.end(recording.id)
  const { media } = recording
  if (!media) throw new Error('no media')
  await put(mediaStore, media.key, bytes)
  const ended: Recording = { ...recording, status: 'completed', media: { ...media, byteSize: bytes.length } }
  await catalogue.settleRecording(ended)
  return ended
}

describe('a recording in progress', () => {
  it('plays as what is there now', async () => {
    const recording = await aLiveCall('one two ')
    const first = await playback.open(recording, 'wav')
    expect(first).toMatchObject({ mediaType: 'audio/wav', byteSize: 8, isGrowing: true, modifiedMs: clock.nowMs() })
    live.grow(recording.id, Buffer.from('three'))
    clock.advance(1)
    const second = await playback.open(recording, 'wav')
    expect(second).toMatchObject({ byteSize: 13, modifiedMs: first.modifiedMs + 1 })
    expect(second.tag).not.toBe(first.tag)
    expect((await playback.open(recording, 'wav')).tag).toBe(second.tag)
    expect(await bytesOf(first)).toBe('one two ')
    expect(await bytesOf(second)).toBe('one two three')
    expect(await bytesOf(second, 4, 10)).toBe('two th')
  })

  it('cannot be had in another format, and nothing is derived of a part', async () => {
    const recording = await aLiveCall('one')
    for (const format of ['mp3', 'ogg'] as const) {
      const refusal = { code: 'MEDIA_NOT_FOUND', hint: expect.stringContaining('in progress') }
      await expect(playback.open(recording, format)).rejects.toMatchObject(refusal)
    }
    expect([transcoder.runs, await Array.fromAsync(cache.list())]).toEqual([0, []])
  })

  it('that has ended since its row was read plays as it ended, in any format', async () => {
    const stale = await aLiveCall('one')
    const ended = await hangUp(stale)
    const playable = await playback.open(stale, 'wav')
    expect(playable).toMatchObject({ byteSize: 3, isGrowing: false, modifiedMs: ended.updatedAtMs })
    expect(await bytesOf(playable)).toBe('one')
    expect((await bytesOf(await playback.open(stale, 'mp3'))).trim()).toBe('mp3 of one')
  })

  it('whose file is an object already plays as that, before its row is final', async () => {
    const recording = await aLiveCall('one')
    await put(mediaStore, recording.media?.key ?? '', Buffer.from('one and all'))
    const early = await playback.open(recording, 'wav')
    expect(early).toMatchObject({ byteSize: 11, isGrowing: false })
    expect(await bytesOf(early)).toBe('one and all')
    await mediaStore.remove(recording.media?.key ?? '')
    expect((await playback.open(await hangUp(recording), 'wav')).tag).toBe(early.tag)
  })

  it.each([
    ['was deleted meanwhile', (recording: Recording) => catalogue.deleteRecording(recording.projectId, recording.id)],
    ['is in progress elsewhere', async () => undefined],
  ])('that %s is not found', async (_what, happen) => {
    const recording = await aLiveCall('one')
    live.end(recording.id)
    await happen(recording)
    await expect(playback.open(recording, 'wav')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
  })

  it('that ended without audio is not found', async () => {
    const { media: _none, ...recording } = { ...(await aLiveCall('')), status: 'no_input' as const }
    live.end(recording.id)
    await catalogue.settleRecording(recording)
    await expect(playback.open(recording, 'wav')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
  })
})

const gone = () => new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'It has ended.' })

describe('a recording whose URL gives a WAV', () => {
  it('has that in its path, while it is in progress and when it has ended', async () => {
    const project = aProject()
    const recording = asPublished(aRecording(project.id))
    const path = `/files/${project.id}/recordings/${recording.id}`
    for (const each of [recording, asPublished(aGrowingRecording(project.id, { id: recording.id }))])
      expect(playback.mediaPath(project, each).split('?')[0]).toBe(`${path}.wav`)
    const { wav: _none, ...media } = recording.media ?? {}
    const kept = { ...recording, media } as Recording
    expect(playback.mediaPath(project, kept).split('?')[0]).toBe(`${path}.ogg`)
  })

  it('in progress plays as a WAV of what is there now, and as what came', async () => {
    const recording = await aLiveCall('one ', asPublished)
    const first = await playback.open(recording, 'wav')
    expect(first).toMatchObject({ mediaType: 'audio/wav', byteSize: 100, isGrowing: true, modifiedMs: clock.nowMs() })
    expect((await bytesOf(first)).trim()).toBe('wav of one')
    expect((await playback.open(recording, 'wav')).tag).toBe(first.tag)
    live.grow(recording.id, Buffer.from('two'))
    const second = await playback.open(recording, 'wav')
    expect(second.tag).not.toBe(first.tag)
    expect((await bytesOf(second)).trim()).toBe('wav of one two')
    expect(await bytesOf(second, 7, 10)).toBe('one')
    const original = await playback.open(recording, 'ogg')
    expect(original).toMatchObject({ mediaType: 'audio/ogg', byteSize: 7, isGrowing: true })
    expect(await bytesOf(original)).toBe('one two')
    await expect(playback.open(recording, 'mp3')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
  })

  it('in progress plays as the WAV that was opened, also when there is a newer one', async () => {
    const recording = await aLiveCall('one ', asPublished)
    const early = await playback.open(recording, 'wav')
    live.grow(recording.id, Buffer.from('two'))
    const late = await playback.open(recording, 'wav')
    expect((await bytesOf(early)).trim()).toBe('wav of one')
    expect((await bytesOf(late)).trim()).toBe('wav of one two')
  })

  it('that ends while its WAV is made plays as what it became', async () => {
    const recording = await aLiveCall('one', asPublished)
    const open = live.open.bind(live)
    live.open = async (id) => {
      const found = await open(id)
      await hangUp(recording)
      return found && { ...found, read: () => Promise.reject(gone()) }
    }
    const playable = await playback.open(recording, 'wav')
    expect(playable).toMatchObject({ mediaType: 'audio/wav', isGrowing: false })
    expect((await bytesOf(playable)).trim()).toBe('wav of one')
  })

  it('that has ended plays as a WAV under another tag, and as what came', async () => {
    const stale = await aLiveCall('one', asPublished)
    const growing = await playback.open(stale, 'wav')
    const ended = await hangUp(stale)
    const playable = await playback.open(stale, 'wav')
    expect(playable).toMatchObject({ mediaType: 'audio/wav', isGrowing: false, modifiedMs: ended.updatedAtMs })
    expect((await bytesOf(playable)).trim()).toBe('wav of one')
    const original = await playback.open(ended, 'ogg')
    expect(await bytesOf(original)).toBe('one')
    expect(new Set([growing, playable, original].map(({ tag }) => tag)).size).toBe(3)
  })
})

describe('a tag', () => {
  it('stays when the hash becomes known, derived ones too', async () => {
    const ended = await hangUp(await aLiveCall('one'))
    const { media } = ended
    const sealed = { ...ended, media: media && { ...media, sha256: 'a'.repeat(64) } } as Recording
    for (const format of ['wav', 'mp3'] as const) {
      const before = await playback.open(ended, format)
      expect((await playback.open(sealed, format)).tag).toBe(before.tag)
    }
    expect(transcoder.runs).toBe(1)
  })

  it('is never that of another state, another recording or another format', async () => {
    const recordings = [await aLiveCall('one'), await aLiveCall('one')]
    const tags: string[] = []
    for (const recording of recordings) {
      // The same bytes of two recordings in progress have two URLs; the tag need only tell the states of one apart.
      const growing = await playback.open(recording, 'wav')
      const ended = await hangUp(recording)
      tags.push(`${recording.id} ${growing.tag}`)
      for (const format of ['wav', 'mp3'] as const) tags.push((await playback.open(ended, format)).tag)
    }
    expect(new Set(tags).size).toBe(6)
  })
})
