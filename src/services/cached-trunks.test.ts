import { beforeEach, describe, expect, it } from 'vitest'
import { aClock } from '../../test/builders/services.ts'
import { aProject, aTrunk } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import type { Project } from '../domain/project.ts'
import type { Trunk } from '../domain/trunk.ts'
import { cachedTrunks } from './cached-trunks.ts'

/** Counts how often it is asked, and can be made to fail. */
class AskedCatalogue extends MemoryCatalogue {
  asked = 0
  failure: Error | undefined

  override listTrunks(projectId?: string): Promise<readonly Trunk[]> {
    this.asked += 1
    return this.failure ? Promise.reject(this.failure) : super.listTrunks(projectId)
  }

  override findProject(id: string): Promise<Project | undefined> {
    this.asked += 1
    return super.findProject(id)
  }
}

let catalogue: AskedCatalogue
const project = aProject()

beforeEach(async () => {
  catalogue = new AskedCatalogue()
  await catalogue.createProject(project)
})

describe('cachedTrunks', () => {
  it('asks once in five seconds, and then knows what has changed', async () => {
    const clock = aClock()
    const trunks = cachedTrunks(catalogue, clock)
    expect(await trunks.list()).toEqual([])
    const trunk = aTrunk(project.id)
    await catalogue.createTrunk(trunk)
    clock.advance(4_999)
    expect(await Promise.all([trunks.list(), trunks.list()])).toEqual([[], []])
    expect(catalogue.asked).toBe(1)
    clock.advance(1)
    expect(await Promise.all([trunks.list(), trunks.list()])).toEqual([[trunk], [trunk]])
    expect(catalogue.asked).toBe(2)
  })

  it('remembers each project for itself, and that there is none', async () => {
    const clock = aClock()
    const trunks = cachedTrunks(catalogue, clock)
    const late = aProject()
    for (const turn of [1, 2]) {
      expect(await trunks.findProject(project.id)).toEqual(project)
      expect(await trunks.findProject(late.id), `turn ${turn}`).toBeUndefined()
    }
    expect(catalogue.asked).toBe(2)
    await catalogue.createProject(late)
    await catalogue.updateProject(project.id, { name: 'renamed' })
    clock.advance(5_000)
    expect(await trunks.findProject(late.id)).toEqual(late)
    expect(await trunks.findProject(project.id)).toEqual({ ...project, name: 'renamed' })
  })

  it('asks again when the clock was set back', async () => {
    const clock = aClock()
    const trunks = cachedTrunks(catalogue, clock)
    await trunks.list()
    clock.advance(-60_000)
    await trunks.list()
    expect(catalogue.asked).toBe(2)
  })

  it('does not remember a failure', async () => {
    const trunks = cachedTrunks(catalogue, aClock())
    catalogue.failure = new Error('busy')
    await expect(trunks.list()).rejects.toThrow('busy')
    catalogue.failure = undefined
    expect(await trunks.list()).toEqual([])
  })
})
