import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aFingerprint, aProject, aTrunk, someCredentials } from '../builders/values.ts'

/** What src/ports/catalogue.ts says of trunks. */
export const describeTrunks = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: trunks`, () => {
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

    it('gives them back as they were created, oldest first', async () => {
      const [project, other] = [await withProject(), await withProject()]
      const bare = aTrunk(project.id, { networks: [], credentials: someCredentials(), createdAtMs: 2 })
      const full = aTrunk(project.id, {
        name: 'Zoë "x"',
        legType: 'pstn',
        networks: ['10.0.0.0/8', '::1'],
        credentials: someCredentials(),
        certificates: [aFingerprint(), aFingerprint()],
        layout: 'separate',
        requiresSecureMedia: true,
        keepsMetadata: false,
        callMaxSeconds: 60,
        codecs: ['opus', 'PCMU'],
        createdAtMs: 1,
      })
      const theirs = aTrunk(other.id, { createdAtMs: 3 })
      for (const trunk of [theirs, bare, full]) await catalogue.createTrunk(trunk)
      expect(await catalogue.findTrunk(full.id)).toEqual(full)
      expect(await catalogue.findTrunk(randomUUID())).toBeUndefined()
      expect(await catalogue.listTrunks(project.id)).toEqual([full, bare])
      expect(await catalogue.listTrunks()).toEqual([full, bare, theirs])
    })

    it('refuses a taken id, a taken user name and an absent project', async () => {
      const project = await withProject()
      const credentials = someCredentials()
      const trunk = aTrunk(project.id, { credentials })
      await catalogue.createTrunk(trunk)
      for (const taken of [aTrunk(project.id, { id: trunk.id }), aTrunk(project.id, { credentials })])
        await expect(catalogue.createTrunk(taken)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      await expect(catalogue.createTrunk(aTrunk(randomUUID()))).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      const second = aTrunk(project.id)
      await catalogue.createTrunk(second)
      await expect(catalogue.updateTrunk(second.id, { credentials })).rejects.toMatchObject({
        code: 'CATALOGUE_CONFLICT',
      })
      expect(await catalogue.listTrunks(project.id)).toHaveLength(2)
      expect(await catalogue.findTrunk(second.id)).toEqual(second)
    })

    it('changes only what was said, and takes away what is null', async () => {
      const trunk = aTrunk((await withProject()).id)
      await catalogue.createTrunk(trunk)
      const credentials = someCredentials()
      const added = { callMaxSeconds: 60, credentials }
      expect(await catalogue.updateTrunk(trunk.id, added)).toEqual({ ...trunk, ...added })
      const changes = {
        name: 'other',
        legType: 'pstn',
        networks: ['::1', '10.0.0.0/8'],
        certificates: [aFingerprint(), aFingerprint()],
        layout: 'mono',
        requiresSecureMedia: true,
        keepsMetadata: false,
        codecs: ['PCMA'],
      } as const
      expect(await catalogue.updateTrunk(trunk.id, changes)).toEqual({ ...trunk, ...added, ...changes })
      const again = await catalogue.updateTrunk(trunk.id, { credentials })
      expect(again).toEqual({ ...trunk, ...added, ...changes })
      const last = await catalogue.updateTrunk(trunk.id, { credentials: null, callMaxSeconds: null })
      expect(last).toEqual({ ...trunk, ...changes })
      expect(await catalogue.findTrunk(trunk.id)).toEqual(last)
      const back = { certificates: [], layout: 'stereo', requiresSecureMedia: false, keepsMetadata: true } as const
      expect(await catalogue.updateTrunk(trunk.id, back)).toEqual({ ...trunk, ...changes, ...back })
      await expect(catalogue.updateTrunk(randomUUID(), {})).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
    })

    it('never leaves one with neither networks nor credentials nor certificates', async () => {
      const guards = { credentials: someCredentials(), certificates: [aFingerprint()] }
      const trunk = aTrunk((await withProject()).id, guards)
      await catalogue.createTrunk(trunk)
      const conflict = { code: 'CATALOGUE_CONFLICT' }
      const open = { networks: [], credentials: null, certificates: [] }
      await expect(catalogue.updateTrunk(trunk.id, open)).rejects.toMatchObject(conflict)
      await expect(catalogue.createTrunk(aTrunk(trunk.projectId, { networks: [] }))).rejects.toMatchObject(conflict)
      const parts = [
        catalogue.updateTrunk(trunk.id, { networks: [] }),
        catalogue.updateTrunk(trunk.id, { credentials: null }),
        catalogue.updateTrunk(trunk.id, { certificates: [] }),
      ]
      const outcomes = await Promise.allSettled(parts)
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
      expect(await catalogue.listTrunks(trunk.projectId)).toHaveLength(1)
    })

    it('takes any one of networks, credentials and certificates for a guard', async () => {
      const { id: projectId } = await withProject()
      const made = [
        aTrunk(projectId, { createdAtMs: 1 }),
        aTrunk(projectId, { createdAtMs: 2, networks: [], credentials: someCredentials() }),
        aTrunk(projectId, { createdAtMs: 3, networks: [], certificates: [aFingerprint()] }),
      ]
      for (const trunk of made) await catalogue.createTrunk(trunk)
      expect(await catalogue.listTrunks(projectId)).toEqual(made)
    })

    it('deletes them once', async () => {
      const trunk = aTrunk((await withProject()).id)
      await catalogue.createTrunk(trunk)
      expect(await catalogue.deleteTrunk(trunk.id)).toBe(true)
      expect(await catalogue.deleteTrunk(trunk.id)).toBe(false)
      expect(await catalogue.findTrunk(trunk.id)).toBeUndefined()
    })
  })
}
