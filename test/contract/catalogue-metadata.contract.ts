import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { METADATA_VERSIONS_MAX } from '../../src/domain/session-metadata.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aLiveRecording, aProject, aRecording, someCallDetails, someMetadata } from '../builders/values.ts'

/** What src/ports/catalogue.ts says of the metadata of recordings. */
export const describeMetadata = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: session metadata`, () => {
    let catalogue: Catalogue
    beforeAll(async () => {
      catalogue = await open()
    })
    afterAll(() => catalogue.close())

    const withLive = async () => {
      const project = aProject()
      await catalogue.createProject(project)
      return aLiveRecording(project.id)
    }
    const listOf = ({ projectId, id }: { projectId: string; id: string }) => catalogue.listMetadata(projectId, id)

    it('is kept byte for byte, in the order in which it came', async () => {
      const live = await withLive()
      const [first, second, third] = [
        someMetadata({ xml: Uint8Array.from({ length: 256 }, (_, index) => index) }),
        someMetadata({
          xml: new Uint8Array(70_000).fill(0xe6),
          contentType: 'application/rs-metadata+xml;charset=UTF-8',
        }),
        // A clock that was set back changes no order.
        someMetadata({ receivedAtMs: 1, xml: new Uint8Array() }),
      ]
      await catalogue.createRecording(live, someCallDetails(), first)
      expect(await listOf(live)).toEqual([first])
      await catalogue.appendMetadata(live.projectId, live.id, second)
      await catalogue.settleRecording({ ...live, status: 'completed' })
      await catalogue.appendMetadata(live.projectId, live.id, third)
      expect(await listOf(live)).toEqual([first, second, third])
      for (const { xml } of await listOf(live)) expect(xml.constructor).toBe(Uint8Array)
    })

    it('is of a part of the bytes that it was cut from, whatever becomes of them', async () => {
      const live = await withLive()
      const message = new TextEncoder().encode('head <recording/> tail')
      const xml = message.subarray(5, 17)
      const written = catalogue.createRecording(live, undefined, someMetadata({ xml }))
      message.fill(0)
      await written
      const [kept] = await listOf(live)
      expect(new TextDecoder().decode(kept?.xml)).toBe('<recording/>')
    })

    it('may begin after its recording, and belongs to nothing else', async () => {
      const [live, other] = [await withLive(), await withLive()]
      const twin = { ...aRecording(other.projectId), id: live.id }
      for (const recording of [live, twin]) await catalogue.createRecording(recording)
      expect(await listOf(live)).toEqual([])
      const version = someMetadata()
      await catalogue.appendMetadata(live.projectId, live.id, version)
      expect(await listOf(live)).toEqual([version])
      expect(await listOf(twin)).toEqual([])
      await catalogue.deleteRecording(twin.projectId, twin.id)
      expect(await listOf(live)).toEqual([version])
    })

    it('comes with its recording or not at all', async () => {
      const live = await withLive()
      const first = someMetadata()
      await catalogue.createRecording(live, someCallDetails(), first)
      const again = catalogue.createRecording(live, someCallDetails(), someMetadata({ receivedAtMs: 2 }))
      await expect(again).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      expect(await listOf(live)).toEqual([first])
      const stray = aLiveRecording(randomUUID())
      const nowhere = catalogue.createRecording(stray, undefined, first)
      await expect(nowhere).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      const absent = catalogue.appendMetadata(live.projectId, randomUUID(), first)
      await expect(absent).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      const elsewhere = catalogue.appendMetadata(randomUUID(), live.id, first)
      await expect(elsewhere).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      expect(await listOf(stray)).toEqual([])
    })

    it('goes with its recording', async () => {
      const live = await withLive()
      await catalogue.createRecording(live, undefined, someMetadata())
      await catalogue.appendMetadata(live.projectId, live.id, someMetadata())
      await catalogue.deleteRecording(live.projectId, live.id)
      expect(await listOf(live)).toEqual([])
      await catalogue.createRecording(live)
      expect(await listOf(live)).toEqual([])
      await catalogue.deleteRecording(live.projectId, live.id)
      await catalogue.deleteProject(live.projectId)
    })

    it('has a limit, which many at the same time do not pass', async () => {
      const live = await withLive()
      await catalogue.createRecording(live, undefined, someMetadata({ receivedAtMs: 0 }))
      const late = Array.from({ length: METADATA_VERSIONS_MAX + 4 }, (_, index) =>
        catalogue.appendMetadata(live.projectId, live.id, someMetadata({ receivedAtMs: index + 1 })),
      )
      const refused = (await Promise.allSettled(late)).filter(({ status }) => status === 'rejected')
      expect(refused).toHaveLength(5)
      for (const each of refused) expect(each).toMatchObject({ reason: { code: 'CATALOGUE_CONFLICT' } })
      const times = (await listOf(live)).map(({ receivedAtMs }) => receivedAtMs)
      expect(times).toEqual(Array.from({ length: METADATA_VERSIONS_MAX }, (_, index) => index))
    })
  })
}
