import { beforeEach, describe, expect, it } from 'vitest'
import { aClock } from '../../test/builders/services.ts'
import { aProject, aRecording } from '../../test/builders/values.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import type { Project } from '../domain/project.ts'
import { Playback } from './playback.ts'

let clock: ReturnType<typeof aClock>
let playback: Playback

beforeEach(() => {
  clock = aClock()
  const store = new MemoryMediaStore()
  playback = new Playback({ mediaStore: store, cache: store, derivations: {} as never, clock })
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
