import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page, PageRequest } from '../../src/domain/page.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aProject, aRecording, aToken, aTrunk } from '../builders/values.ts'
import { describeLiveRecordings } from './catalogue-live.contract.ts'
import { describeMetadata } from './catalogue-metadata.contract.ts'
import { describeMigration } from './catalogue-migration.contract.ts'
import { describePublishTokens } from './catalogue-publish-tokens.contract.ts'
import { describeTrunks } from './catalogue-trunks.contract.ts'

/** A page's ids, for comparing. */
const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id)

/** The written contract of src/ports/catalogue.ts, for any adapter and for the fake. */
export const describeCatalogue = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: the catalogue's contract`, () => {
    let catalogue: Catalogue
    beforeAll(async () => {
      catalogue = await open()
    })
    afterAll(() => catalogue.close())

    const withProject = async () => {
      const project = aProject()
      await catalogue.createProject(project)
      return project
    }

    it('gives back projects as they were created', async () => {
      const plain = await withProject()
      const full = aProject({
        protectRecordings: true,
        mediaUrlTtlSeconds: 60,
        recordingPricePerMinute: 0.0025,
        name: 'Zoë "x"',
      })
      await catalogue.createProject(full)
      expect(await catalogue.findProject(plain.id)).toEqual(plain)
      expect(await catalogue.findProject(full.id)).toEqual(full)
      expect(await catalogue.listProjects()).toEqual(expect.arrayContaining([plain, full]))
      expect(await catalogue.findProject(randomUUID())).toBeUndefined()
      await expect(catalogue.createProject(plain)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
    })

    it('changes only what was said of a project', async () => {
      const project = await withProject()
      expect(await catalogue.updateProject(project.id, { mediaUrlTtlSeconds: 5 })).toEqual({
        ...project,
        mediaUrlTtlSeconds: 5,
      })
      expect(await catalogue.updateProject(project.id, { name: 'other', protectRecordings: true })).toEqual({
        ...project,
        mediaUrlTtlSeconds: 5,
        name: 'other',
        protectRecordings: true,
      })
      const last = await catalogue.updateProject(project.id, { mediaUrlTtlSeconds: null, recordingPricePerMinute: 1 })
      expect(last).toEqual({ ...project, name: 'other', protectRecordings: true, recordingPricePerMinute: 1 })
      expect(await catalogue.findProject(project.id)).toEqual(last)
      await expect(catalogue.updateProject(randomUUID(), {})).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
    })

    it('deletes a project with its tokens and its trunks, but not with its recordings', async () => {
      const project = await withProject()
      const token = aToken(project.id)
      const recording = aRecording(project.id)
      const [trunk, kept] = [aTrunk(project.id), aTrunk((await withProject()).id)]
      await catalogue.createToken(token)
      for (const each of [trunk, kept]) await catalogue.createTrunk(each)
      await catalogue.createRecording(recording)
      await expect(catalogue.deleteProject(project.id)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      expect(await catalogue.findProject(project.id)).toEqual(project)
      await catalogue.deleteRecording(project.id, recording.id)
      await catalogue.deleteProject(project.id)
      expect(await catalogue.findToken(token.digest)).toBeUndefined()
      expect(await catalogue.findTrunk(trunk.id)).toBeUndefined()
      expect(await catalogue.findTrunk(kept.id)).toEqual(kept)
      await expect(catalogue.deleteProject(project.id)).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
    })

    it('keeps tokens', async () => {
      const project = await withProject()
      const token = aToken(project.id, { permissions: ['calling', 'storage'] })
      await catalogue.createToken(token)
      expect(await catalogue.findToken(token.digest)).toEqual(token)
      expect(await catalogue.listTokens(project.id)).toEqual([token])
      await expect(catalogue.createToken(aToken(project.id, { digest: token.digest }))).rejects.toMatchObject({
        code: 'CATALOGUE_CONFLICT',
      })
      await expect(catalogue.createToken(aToken(randomUUID()))).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      const changed = await catalogue.updateToken(project.id, token.id, { permissions: ['video'] })
      expect(changed).toEqual({ ...token, permissions: ['video'] })
      await expect(catalogue.updateToken(randomUUID(), token.id, {})).rejects.toMatchObject({
        code: 'CATALOGUE_NOT_FOUND',
      })
      expect(await catalogue.deleteToken(randomUUID(), token.id)).toBe(false)
      expect(await catalogue.deleteToken(project.id, token.id)).toBe(true)
      expect(await catalogue.deleteToken(project.id, token.id)).toBe(false)
      expect(await catalogue.findToken(token.digest)).toBeUndefined()
    })

    it('gives back recordings as they were created, within their project', async () => {
      const [project, other] = [await withProject(), await withProject()]
      const full = aRecording(project.id, { errorCode: 'recovered', conferenceId: randomUUID() })
      const { media: _none, ...bare } = aRecording(project.id, { status: 'no_input', durationMs: 0 })
      const twin = aRecording(other.id, { id: full.id })
      for (const recording of [full, bare, twin]) await catalogue.createRecording(recording)
      expect(await catalogue.findRecording(project.id, full.id)).toEqual(full)
      expect(await catalogue.findRecording(project.id, bare.id)).toEqual(bare)
      expect(await catalogue.findRecording(other.id, full.id)).toEqual(twin)
      expect(await catalogue.findRecording(other.id, bare.id)).toBeUndefined()
      const byProject = (some: readonly Recording[]) => some.toSorted((a, b) => (a.projectId < b.projectId ? -1 : 1))
      const found = await catalogue.findRecordings([full.id, randomUUID(), full.id])
      expect(byProject(found)).toEqual(byProject([full, twin]))
      expect(await catalogue.findRecordings([])).toEqual([])
      const thousand = Array.from({ length: 999 }, () => randomUUID())
      expect(await catalogue.findRecordings([...thousand, bare.id])).toEqual([bare])
      await expect(catalogue.createRecording(full)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      await expect(catalogue.createRecording(aRecording(randomUUID()))).rejects.toMatchObject({
        code: 'CATALOGUE_NOT_FOUND',
      })
      expect(await catalogue.deleteRecording(project.id, full.id)).toEqual(full)
      expect(await catalogue.deleteRecording(project.id, full.id)).toBeUndefined()
      expect(await catalogue.findRecording(other.id, full.id)).toEqual(twin)
    })

    it('lets one conflict among many concurrent writes hurt nobody else', async () => {
      const project = await withProject()
      const recordings = Array.from({ length: 200 }, () => aRecording(project.id))
      const doubled = [...recordings, ...recordings.slice(0, 50)]
      const outcomes = await Promise.allSettled(doubled.map((recording) => catalogue.createRecording(recording)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(200)
      const page = await catalogue.listRecordings(project.id, { limit: 1000 })
      expect(idsOf(page.items).sort()).toEqual(idsOf(recordings).sort())
    })

    it('pages through any list in both directions, under inserts and deletes', async () => {
      const shape = fc.record({ times: fc.array(fc.nat(5), { maxLength: 30 }), limit: fc.integer({ min: 1, max: 7 }) })
      await fc.assert(
        fc.asyncProperty(shape, fc.array(fc.nat(5), { maxLength: 5 }), async ({ times, limit }, late) => {
          const project = await withProject()
          const made = times.map((time) => aRecording(project.id, { createdAtMs: 1000 + time }))
          for (const recording of made) await catalogue.createRecording(recording)
          const sorted = [...made].sort(newestFirst)
          const forwards = await walk(catalogue, project.id, limit, async (page) => {
            const time = late[page]
            if (time !== undefined)
              await catalogue.createRecording(aRecording(project.id, { createdAtMs: 1000 + time }))
          })
          const ids = idsOf(forwards)
          expect(new Set(ids).size).toBe(ids.length)
          expect(ids.filter((id) => sorted.some((each) => each.id === id))).toEqual(idsOf(sorted))
          const whole = await catalogue.listRecordings(project.id, { limit: 1000 })
          expect(idsOf(await walkBack(catalogue, project.id, limit))).toEqual(idsOf(whole.items))
        }),
        { numRuns: 30 },
      )
    })
  })
  describeTrunks(name, open)
  describePublishTokens(name, open)
  describeLiveRecordings(name, open)
  describeMetadata(name, open)
  describeMigration(name, open)
}

const newestFirst = (a: Recording, b: Recording): number => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)

const walk = async (
  catalogue: Catalogue,
  projectId: string,
  limit: number,
  between: (page: number) => Promise<void>,
): Promise<Recording[]> => {
  const seen: Recording[] = []
  let request: PageRequest = { limit }
  for (let number = 0; ; number += 1) {
    const page: Page = await catalogue.listRecordings(projectId, request)
    expect(page.items.length).toBeLessThanOrEqual(limit)
    seen.push(...page.items)
    const last = page.items.at(-1)
    if (!page.hasOlder || !last) return seen
    await between(number)
    request = { limit, olderThan: last }
  }
}

const walkBack = async (catalogue: Catalogue, projectId: string, limit: number): Promise<Recording[]> => {
  const seen: Recording[] = []
  let newerThan = { createdAtMs: 0, id: '00000000-0000-0000-0000-000000000000' }
  while (true) {
    const page = await catalogue.listRecordings(projectId, { limit, newerThan })
    seen.unshift(...page.items)
    const [first] = page.items
    expect(page.hasOlder).toBe(seen.length > page.items.length)
    if (!page.hasNewer || !first) return seen
    newerThan = first
  }
}
