import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseUuid } from '../../src/domain/uuid.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aProject, aPublishToken, aRecording, someMetadata } from '../builders/values.ts'

/** What src/ports/catalogue.ts says of catalogues that are copied into one another. */
export const describeMigration = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: migration`, () => {
    let catalogue: Catalogue
    let other: Catalogue
    beforeAll(async () => {
      catalogue = await open()
      other = await open()
    })
    afterAll(() => Promise.all([catalogue.close(), other.close()]))

    it('tells every catalogue from every other, and gives the same answer again', async () => {
      const identity = await catalogue.getIdentity()
      expect(parseUuid(identity)).toBe(identity)
      expect(await catalogue.getIdentity()).toBe(identity)
      expect(await other.getIdentity()).not.toBe(identity)
    })

    it('notes what fills it, until nothing does', async () => {
      expect(await catalogue.findIncomingMigration()).toBeUndefined()
      const incoming = { sourceId: randomUUID(), isComplete: false }
      await catalogue.setIncomingMigration(incoming)
      expect(await catalogue.findIncomingMigration()).toEqual(incoming)
      await catalogue.setIncomingMigration({ ...incoming, isComplete: true })
      expect(await catalogue.findIncomingMigration()).toEqual({ ...incoming, isComplete: true })
      await catalogue.setIncomingMigration(undefined)
      expect(await catalogue.findIncomingMigration()).toBeUndefined()
    })

    it('lists the publish tokens of all projects by their digests, a part at a time', async () => {
      const projects = [aProject(), aProject()]
      for (const project of projects) await other.createProject(project)
      const tokens = Array.from({ length: 5 }, (_, index) =>
        aPublishToken(projects[index % 2]?.id ?? '', { isUsed: index === 0, expiresAtMs: 1 + index }),
      )
      for (const token of tokens) await other.createPublishToken(token)
      const sorted = tokens.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
      expect(await other.listPublishTokens(3)).toEqual(sorted.slice(0, 3))
      expect(await other.listPublishTokens(3, sorted[2]?.digest)).toEqual(sorted.slice(3))
      expect(await other.listPublishTokens(3, sorted[4]?.digest)).toEqual([])
    })

    it('counts the metadata of recordings of one project', async () => {
      const [project, stranger] = [aProject(), aProject()]
      for (const each of [project, stranger]) await catalogue.createProject(each)
      const [none, one, three] = [aRecording(project.id), aRecording(project.id), aRecording(project.id)]
      const twin = { ...aRecording(stranger.id), id: one.id }
      await catalogue.createRecording(none)
      for (const recording of [one, three, twin]) await catalogue.createRecording(recording, undefined, someMetadata())
      for (const { projectId, id } of [three, three, twin])
        await catalogue.appendMetadata(projectId, id, someMetadata())
      const ids = [none.id, one.id, three.id, randomUUID()]
      const counts = await catalogue.countMetadata(project.id, ids)
      expect(Object.fromEntries(counts)).toEqual({ [one.id]: 1, [three.id]: 3 })
      expect(await catalogue.countMetadata(project.id, [])).toEqual(new Map())
    })
  })
}
