import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canBecome, isFinal, NODE_LOST, RECORDING_STATUSES, type Recording } from '../../src/domain/recording.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aLiveRecording, aProject, aRecording, someCallDetails } from '../builders/values.ts'

const HASH = 'ab'.repeat(32)

/** A live recording as it is when its call is over: all its bytes, no hash yet. */
const ended = (live: Recording, parts: Partial<Recording> = {}): Recording => {
  const { media, ...rest } = live
  const durationMs = 1500
  return {
    ...rest,
    status: 'completed',
    updatedAtMs: live.updatedAtMs + durationMs,
    durationMs,
    price: 0.01,
    ...(media && { media: { ...media, byteSize: 12_044, durationMs } }),
    ...parts,
  }
}

/** What src/ports/catalogue.ts says of recordings that are made while it looks on. */
export const describeLiveRecordings = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: live recordings`, () => {
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
    const withLive = async (parts: Partial<Recording> = {}) => {
      const live = aLiveRecording((await withProject()).id, parts)
      await catalogue.createRecording(live)
      return live
    }

    it('keeps one from its first packet to its hash', async () => {
      const live = await withLive()
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(live)
      for (const status of ['paused', 'recording'] as const) {
        await catalogue.settleRecording({ ...live, status })
        expect(await catalogue.findRecording(live.projectId, live.id)).toEqual({ ...live, status })
      }
      const final = ended(live, { errorCode: 'media_timeout' })
      await catalogue.settleRecording(final)
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(final)
      expect(await catalogue.sealRecording(live.projectId, live.id, HASH)).toBe(true)
      const sealed = { ...final, media: { ...final.media, sha256: HASH } }
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(sealed)
      expect((await catalogue.listRecordings(live.projectId, { limit: 10 })).items).toEqual([sealed])
    })

    it('lets one that was believed lost end well after all, once', async () => {
      const live = await withLive()
      const lost = { ...live, status: 'failed', errorCode: NODE_LOST } as const
      await catalogue.settleRecording(lost)
      await expect(catalogue.settleRecording({ ...lost, errorCode: 'internal' })).rejects.toMatchObject({
        code: 'CATALOGUE_CONFLICT',
      })
      const final = ended(live, { errorCode: 'recovered' })
      await catalogue.settleRecording(final)
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(final)
      await expect(catalogue.settleRecording(final)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
    })

    it('takes media away from one that ended without any', async () => {
      const { media: _none, ...bare } = await withLive()
      const final: Recording = { ...bare, status: 'no_input' }
      await catalogue.settleRecording(final)
      expect(await catalogue.findRecording(bare.projectId, bare.id)).toEqual(final)
    })

    it.each(
      RECORDING_STATUSES.flatMap((from) => RECORDING_STATUSES.map((to) => [from, to] as const)),
    )('lets %s become %s exactly when the state table does', async (from, to) => {
      const live = await withLive({ status: from })
      const details = someCallDetails()
      const settled = ended(live, { status: to })
      const outcome = await catalogue.settleRecording(settled, details).then(
        () => 'settled',
        ({ code }) => code,
      )
      expect(outcome).toBe(canBecome(from, to) ? 'settled' : 'CATALOGUE_CONFLICT')
      const isSettled = canBecome(from, to)
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(isSettled ? settled : live)
      expect(await catalogue.findCallDetails(live.projectId, live.id)).toEqual(isSettled ? details : undefined)
    })

    it('settles one once, whoever else tries at the same time', async () => {
      const live = await withLive()
      const rivals = Array.from({ length: 20 }, (_, index) => ended(live, { errorCode: `reason_${index}` }))
      const outcomes = await Promise.allSettled(rivals.map((rival) => catalogue.settleRecording(rival)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const winner = rivals[outcomes.findIndex(({ status }) => status === 'fulfilled')]
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(winner)
    })

    it('does not bring back one that was deleted', async () => {
      const live = await withLive()
      await catalogue.deleteRecording(live.projectId, live.id)
      const settle = catalogue.settleRecording(ended(live), someCallDetails())
      await expect(settle).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      expect(await catalogue.findRecording(live.projectId, live.id)).toBeUndefined()
      expect(await catalogue.findCallDetails(live.projectId, live.id)).toBeUndefined()
    })

    it('seals only what is final, has media, and has no hash', async () => {
      const live = await withLive()
      const { media: _none, ...bare } = aRecording(live.projectId, { status: 'no_input' })
      const whole = aRecording(live.projectId)
      for (const recording of [bare, whole]) await catalogue.createRecording(recording)
      const unknown = { ...bare, id: randomUUID() }
      for (const recording of [live, bare, whole, unknown]) {
        expect(await catalogue.sealRecording(recording.projectId, recording.id, HASH)).toBe(false)
      }
      expect(await catalogue.findRecording(live.projectId, live.id)).toEqual(live)
      expect(await catalogue.findRecording(live.projectId, whole.id)).toEqual(whole)
      await catalogue.settleRecording(ended(live))
      expect(await catalogue.sealRecording(randomUUID(), live.id, HASH)).toBe(false)
      const both = [HASH, HASH].map((hash) => catalogue.sealRecording(live.projectId, live.id, hash))
      expect((await Promise.all(both)).sort()).toEqual([false, true])
    })

    it("keeps a call's details with its recording, within its project, until that is deleted", async () => {
      const [project, other] = [await withProject(), await withProject()]
      const live = aLiveRecording(project.id)
      const twin = aLiveRecording(other.id, { id: live.id })
      const { answeredAtMs: _1, endedAtMs: _2, endReason: _3, ...begun } = someCallDetails({ streams: [], gaps: [] })
      const final = someCallDetails({ trunkId: randomUUID(), endReason: 'media_timeout' })
      await catalogue.createRecording(live, begun)
      await catalogue.createRecording(twin)
      expect(await catalogue.findCallDetails(project.id, live.id)).toEqual(begun)
      expect(await catalogue.findCallDetails(other.id, live.id)).toBeUndefined()
      await catalogue.settleRecording({ ...live, status: 'paused' })
      expect(await catalogue.findCallDetails(project.id, live.id)).toEqual(begun)
      await catalogue.settleRecording(ended(live), final)
      expect(await catalogue.findCallDetails(project.id, live.id)).toEqual(final)
      await catalogue.deleteRecording(other.id, live.id)
      expect(await catalogue.findCallDetails(project.id, live.id)).toEqual(final)
      await catalogue.deleteRecording(project.id, live.id)
      expect(await catalogue.findCallDetails(project.id, live.id)).toBeUndefined()
      await catalogue.createRecording(live)
      expect(await catalogue.findCallDetails(project.id, live.id)).toBeUndefined()
    })

    it('leaves the details of a recording alone when another is refused its id', async () => {
      const project = await withProject()
      const live = aLiveRecording(project.id)
      const details = someCallDetails()
      await catalogue.createRecording(live, details)
      const again = catalogue.createRecording(live, someCallDetails())
      await expect(again).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      expect(await catalogue.findCallDetails(project.id, live.id)).toEqual(details)
      const stray = aLiveRecording(randomUUID())
      const nowhere = catalogue.createRecording(stray, details)
      await expect(nowhere).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      expect(await catalogue.findCallDetails(stray.projectId, stray.id)).toBeUndefined()
    })

    it('lists what is not final and what is not sealed, of all projects, oldest first', async () => {
      const fresh = await open()
      const projects = [aProject(), aProject()]
      for (const project of projects) await fresh.createProject(project)
      const made = RECORDING_STATUSES.flatMap((status, index) =>
        projects.map((project, turn) => {
          const createdAtMs = 100 - 10 * index + turn
          return isFinal(status)
            ? ended(aLiveRecording(project.id, { createdAtMs }), { status })
            : aLiveRecording(project.id, { createdAtMs, status })
        }),
      )
      const { media: _none, ...bare } = aRecording(made[0]?.projectId ?? '', { status: 'failed' })
      for (const recording of [...made, bare, aRecording(bare.projectId)]) await fresh.createRecording(recording)
      const oldestFirst = [...made].sort((a, b) => a.createdAtMs - b.createdAtMs)
      const unsealed = oldestFirst.filter(({ status }) => isFinal(status))
      expect(await fresh.listUnsettled()).toEqual(oldestFirst.filter(({ status }) => !isFinal(status)))
      expect(await fresh.listUnsealed(100)).toEqual(unsealed)
      expect(await fresh.listUnsealed(2)).toEqual(unsealed.slice(0, 2))
      for (const { projectId, id } of unsealed) await fresh.sealRecording(projectId, id, HASH)
      expect(await fresh.listUnsealed(100)).toEqual([])
      await fresh.close()
    })
  })
}
