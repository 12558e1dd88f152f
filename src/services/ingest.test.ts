import { createHash, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { wavOf } from '../../test/acceptance/support/wav.ts'
import { aClock, aTelemetry, chunksOf, ids } from '../../test/builders/services.ts'
import { aGrowingRecording, aProject } from '../../test/builders/values.ts'
import { faulty, randomOf } from '../../test/fakes/faulty.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import type { Project } from '../domain/project.ts'
import { Ingest, type IngestRequest } from './ingest.ts'
import { Sealing } from './sealing.ts'

const SEEDS = 300
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let project: Project
let catalogue: MemoryCatalogue
let mediaStore: MemoryMediaStore
let telemetry: ReturnType<typeof aTelemetry>

beforeEach(async () => {
  project = aProject({ recordingPricePerMinute: 0.5 })
  catalogue = new MemoryCatalogue()
  mediaStore = new MemoryMediaStore()
  telemetry = aTelemetry()
  await catalogue.createProject(project)
})

const anIngest = (ports: object = {}, limits = { sizeMaxBytes: 100_000, concurrentMax: 8 }) => {
  const sealing = new Sealing({ catalogue, mediaStore, ...ports })
  return new Ingest({ catalogue, mediaStore, clock: aClock(), ids, telemetry, sealing, limits, ...ports })
}
const asked = (bytes: Uint8Array, parts: Partial<IngestRequest> = {}): IngestRequest => ({
  project,
  leg: { type: 'sip', id: randomUUID() },
  track: 'both',
  source: chunksOf(bytes),
  ...parts,
})
const objects = () => Array.fromAsync(mediaStore.list())

describe('what is stored', () => {
  it('is the bytes, and what they say of themselves', async () => {
    const bytes = wavOf(1, 44 + 61 * 16_000)
    const ingest = anIngest({}, { sizeMaxBytes: bytes.length, concurrentMax: 1 })
    const { outcome, recording } = await ingest.ingest(asked(bytes, { startedAtMs: 5 }))
    expect(outcome).toBe('stored')
    expect(recording).toMatchObject({ createdAtMs: 5, updatedAtMs: 1_760_000_000_000, durationMs: 61_000, price: 1 })
    expect(recording.media).toMatchObject({ format: 'wav', byteSize: bytes.length, sha256: sha256(bytes) })
    expect(await catalogue.findRecording(project.id, recording.id)).toEqual(recording)
    expect((await objects()).map(({ key }) => key)).toEqual([recording.media?.key])
    expect(telemetry.heard).toEqual([`upload stored ${bytes.length}`])
  })

  it('may come in chunks that are overwritten as soon as the next is asked for', async () => {
    const bytes = wavOf(2, 9000)
    async function* lent() {
      const buffer = Buffer.alloc(11)
      for (let offset = 0; offset < bytes.length; offset += 11) yield buffer.subarray(0, bytes.copy(buffer, 0, offset))
      buffer.fill(0)
    }
    const { recording } = await anIngest().ingest(asked(bytes, { source: lent() }))
    const stored = await Array.fromAsync(await mediaStore.read(recording.media?.key ?? ''), (chunk) =>
      Buffer.from(chunk),
    )
    expect(Buffer.concat(stored).equals(bytes)).toBe(true)
    expect(recording.media?.sha256).toBe(sha256(bytes))
  })
})

describe('an id of the sender', () => {
  it('makes repeating harmless, and refuses other bytes', async () => {
    const id = randomUUID()
    const bytes = wavOf(1, 1000)
    const first = await anIngest().ingest(asked(bytes, { id }))
    const again = await anIngest().ingest(asked(bytes, { id, track: 'inbound' }))
    expect(again).toEqual({ outcome: 'repeated', recording: first.recording })
    await expect(anIngest().ingest(asked(wavOf(2, 1000), { id }))).rejects.toMatchObject({ code: 'RECORDING_EXISTS' })
    expect(await objects()).toHaveLength(1)
  })

  it('is stored once by rivals with the same bytes, and by one of rivals with others', async () => {
    const ingest = anIngest()
    const id = randomUUID()
    const same = await Promise.all(Array.from({ length: 5 }, () => ingest.ingest(asked(wavOf(1, 1000), { id }))))
    expect(same.map(({ outcome }) => outcome).sort()).toEqual([...Array(4).fill('repeated'), 'stored'])
    const other = randomUUID()
    const rivals = [1, 2, 3].map((seed) => ingest.ingest(asked(wavOf(seed, 1000), { id: other })))
    const outcomes = await Promise.allSettled(rivals)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await objects()).toHaveLength(2)
  })
})

describe('an id of a recorded call', () => {
  /** A call that has ended and whose hash is not known yet. */
  const anUnsealedCall = async (bytes: Uint8Array) => {
    const { recording } = await anIngest().ingest(asked(bytes))
    await catalogue.deleteRecording(project.id, recording.id)
    const { sha256: _unknown, ...media } = recording.media ?? expect.fail('no media')
    const call = { ...recording, media }
    await catalogue.createRecording(call)
    return call
  }

  it('is repeated by its own bytes, which have a hash from then on', async () => {
    const bytes = wavOf(1, 1000)
    const call = await anUnsealedCall(bytes)
    const { outcome, recording } = await anIngest().ingest(asked(bytes, { id: call.id }))
    expect([outcome, recording]).toEqual(['repeated', { ...call, media: { ...call.media, sha256: sha256(bytes) } }])
    expect(await catalogue.findRecording(project.id, call.id)).toEqual(recording)
    expect(await objects()).toHaveLength(1)
  })

  it('is refused to other bytes, of whatever size', async () => {
    const call = await anUnsealedCall(wavOf(1, 1000))
    for (const other of [wavOf(2, 1000), wavOf(1, 1002)]) {
      const refusal = anIngest().ingest(asked(other, { id: call.id }))
      await expect(refusal).rejects.toMatchObject({ code: 'RECORDING_EXISTS' })
    }
    expect(await objects()).toHaveLength(1)
  })

  it('is refused while the call is in progress', async () => {
    const call = aGrowingRecording(project.id)
    await catalogue.createRecording(call)
    const refusal = anIngest().ingest(asked(wavOf(1, 1000), { id: call.id }))
    await expect(refusal).rejects.toMatchObject({ code: 'RECORDING_EXISTS' })
    expect(await catalogue.findRecording(project.id, call.id)).toEqual(call)
    expect([await objects(), mediaStore.unended]).toEqual([[], 0])
  })
})

describe('a recording without audio', () => {
  const restored = { createdAtMs: 5, updatedAtMs: 6, status: 'no_input' as const, errorCode: 'media_timeout', price: 0 }
  const silent = (id: string) => ({
    project,
    id,
    leg: { type: 'sip' as const, id },
    track: 'inbound' as const,
    restored,
  })

  it('is given back as it was, once', async () => {
    const id = randomUUID()
    const first = await anIngest().restoreSilent(silent(id))
    const leg = { type: 'sip', id }
    const recording = { id, projectId: project.id, leg, track: 'inbound', durationMs: 0, ...restored }
    expect(first).toEqual({ outcome: 'stored', recording })
    expect(await catalogue.findRecording(project.id, id)).toEqual(recording)
    expect(await anIngest().restoreSilent(silent(id))).toEqual({ outcome: 'repeated', recording })
  })

  it('replaces none that has audio, or may still get some', async () => {
    const { recording: stored } = await anIngest().ingest(asked(wavOf(1, 1000)))
    const call = aGrowingRecording(project.id)
    await catalogue.createRecording(call)
    for (const { id } of [stored, call]) {
      await expect(anIngest().restoreSilent(silent(id))).rejects.toMatchObject({ code: 'RECORDING_EXISTS' })
    }
  })
})

describe('a refusal', () => {
  it.each([
    ['no audio', () => asked(Buffer.from('no audio at all')), 'AUDIO_NOT_RECOGNISED'],
    ['too much', () => asked(wavOf(1, 100_002)), 'UPLOAD_TOO_LARGE'],
    ['damaged bytes', () => asked(wavOf(1, 1000), { sha256: sha256(wavOf(2, 1000)) }), 'UPLOAD_DAMAGED'],
    ['no project', () => asked(wavOf(1, 1000), { project: aProject() }), 'CATALOGUE_NOT_FOUND'],
  ])('of %s leaves nothing', async (_what, request, code) => {
    await expect(anIngest().ingest(request())).rejects.toMatchObject({ code })
    expect([await objects(), mediaStore.unended, telemetry.heard]).toEqual([[], 0, ['upload rejected 0']])
  })

  it('of what was cut off leaves nothing', async () => {
    async function* cutOff() {
      yield wavOf(1, 1000)
      throw new Error('gone')
    }
    await expect(anIngest().ingest(asked(wavOf(1, 1000), { source: cutOff() }))).rejects.toThrow('gone')
    expect([await objects(), mediaStore.unended]).toEqual([[], 0])
  })

  it('of one too many at a time ends when one of them does', async () => {
    const ingest = anIngest({}, { sizeMaxBytes: 10_000, concurrentMax: 1 })
    const first = ingest.ingest(asked(wavOf(1, 1000)))
    await expect(ingest.ingest(asked(wavOf(2, 1000)))).rejects.toMatchObject({ code: 'UPLOAD_BUSY', retryable: true })
    await first
    expect((await ingest.ingest(asked(wavOf(2, 1000)))).outcome).toBe('stored')
  })
})

it('under faults of any port, what is acknowledged is there, and no row is without its bytes', async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const random = randomOf(seed)
    const ports = {
      catalogue: faulty(catalogue, ['createRecording', 'findRecording'], random),
      mediaStore: faulty(mediaStore, ['open', 'append', 'finalise', 'remove'], random),
    }
    const id = randomUUID()
    const bytes = wavOf(seed, 3000)
    const requests = [1, 2].map(() => anIngest(ports).ingest(asked(bytes, { id })))
    const outcomes = await Promise.allSettled(requests)
    const row = await catalogue.findRecording(project.id, id)
    const acknowledged = outcomes.some(({ status }) => status === 'fulfilled')
    if (acknowledged) expect(row, `seed ${seed}`).toBeDefined()
    if (row) expect((await mediaStore.stat(row.media?.key ?? '')).byteSize, `seed ${seed}`).toBe(bytes.length)
    expect(mediaStore.unended, `seed ${seed}`).toBe(0)
  }
})
