import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { aTelemetry } from '../../../test/builders/services.ts'
import { aLiveRecording, aProject, aRecording } from '../../../test/builders/values.ts'
import { PostgresServer } from '../../../test/support/postgres.ts'
import { POSTGRES_MAJORS } from '../../../test/support/postgres-packages.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { openSharedCatalogue } from './catalogue.ts'

type Shared = Awaited<ReturnType<typeof openSharedCatalogue>>

let server: PostgresServer
const open: Catalogue[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((catalogue) => catalogue.close()))
})

const URLS = ['http://127.0.0.1:1', undefined]
const LONG_MS = 60_000

/** Two nodes over one catalogue, with a project; the first says where it is reached. */
const twoNodes = async (): Promise<{ first: Shared; second: Shared; projectId: string }> => {
  const url = await server.database()
  const [first, second] = (await Promise.all(
    URLS.map((each) => {
      const node = { id: randomUUID(), ...(each !== undefined && { url: each }) }
      return openSharedCatalogue({ url, telemetry: aTelemetry(), node })
    }),
  )) as [Shared, Shared]
  open.push(first.catalogue, second.catalogue)
  const project = aProject()
  await first.catalogue.createProject(project)
  return { first, second, projectId: project.id }
}

describe.each(POSTGRES_MAJORS)('nodes that share a catalogue in PostgreSQL %i', (major) => {
  beforeAll(async () => {
    server = await PostgresServer.start({ major })
  }, 300_000)
  afterAll(() => server?.stop())

  it('know who holds a recording, until it is released or deleted', async () => {
    const { first, second, projectId } = await twoNodes()
    const [live, upload] = [aLiveRecording(projectId), aRecording(projectId)]
    for (const each of [live, upload]) await first.catalogue.createRecording(each)
    expect(await second.nodes.findHolder(projectId, live.id)).toEqual({ nodeId: first.nodes.id })
    await first.nodes.beat()
    const holder = await second.nodes.findHolder(projectId, live.id)
    expect(holder).toMatchObject({ nodeId: first.nodes.id, url: URLS[0] })
    expect(holder?.silentMs).toBeLessThan(LONG_MS)
    await second.nodes.release(projectId, live.id, live.media?.key)
    // Its id was used again: what was moved is another one.
    await first.nodes.release(projectId, live.id, `${live.media?.key}0`)
    expect(await second.nodes.findHolder(projectId, live.id)).toBeDefined()
    await first.nodes.release(projectId, live.id, live.media?.key)
    expect(await second.nodes.findHolder(projectId, live.id)).toBeUndefined()
    await second.catalogue.deleteRecording(projectId, upload.id)
    expect(await first.nodes.findHolder(projectId, upload.id)).toBeUndefined()
    expect(await first.nodes.findHolder(projectId, randomUUID())).toBeUndefined()
  })

  it('hear of the deletion of what they hold, whoever deletes', async () => {
    const { first, second, projectId } = await twoNodes()
    const [here, there, moved] = [aRecording(projectId), aRecording(projectId), aRecording(projectId)]
    for (const each of [here, there, moved]) await first.catalogue.createRecording(each)
    await first.nodes.release(projectId, moved.id, moved.media?.key)
    await first.catalogue.deleteRecording(projectId, here.id)
    expect(await second.catalogue.deleteRecording(projectId, there.id)).toEqual(there)
    for (const { id } of [there, moved]) await second.catalogue.deleteRecording(projectId, id)
    const deleted = await first.nodes.listDeleted(10)
    const keyed = ({ id, media }: Recording) => ({ projectId, recordingId: id, key: media?.key })
    expect(deleted).toHaveLength(2)
    expect(deleted).toEqual(expect.arrayContaining([keyed(here), keyed(there)]))
    expect(await first.nodes.listDeleted(1)).toHaveLength(1)
    expect(await second.nodes.listDeleted(10)).toEqual([])
    for (const each of deleted) await second.nodes.forgetDeleted(each)
    expect(await first.nodes.listDeleted(10)).toHaveLength(2)
    for (const each of deleted) await first.nodes.forgetDeleted(each)
    expect(await first.nodes.listDeleted(10)).toEqual([])
  })

  it('hold nothing that ended without bytes', async () => {
    const { first, second, projectId } = await twoNodes()
    const [silent, sound] = [aLiveRecording(projectId), aLiveRecording(projectId)]
    for (const each of [silent, sound]) await first.catalogue.createRecording(each)
    const { media: _none, ...rest } = silent
    await first.catalogue.settleRecording({ ...rest, status: 'no_input' })
    await first.catalogue.settleRecording({ ...sound, status: 'completed' })
    expect(await second.nodes.findHolder(projectId, silent.id)).toBeUndefined()
    expect(await second.nodes.findHolder(projectId, sound.id)).toBeDefined()
    const empty = { ...rest, id: randomUUID(), status: 'no_input' as const }
    await first.catalogue.createRecording(empty)
    expect(await second.nodes.findHolder(projectId, empty.id)).toBeUndefined()
  })

  it('list what they hold and have finished, and what of their own is not final', async () => {
    const { first, second, projectId } = await twoNodes()
    const [live, upload] = [aLiveRecording(projectId), aRecording(projectId)]
    for (const each of [live, upload]) await first.catalogue.createRecording(each)
    const other = aLiveRecording(projectId)
    await second.catalogue.createRecording(other)
    expect(await first.nodes.listHeld(10)).toEqual([upload])
    expect(await first.nodes.listHeld(0)).toEqual([])
    expect(await second.nodes.listHeld(10)).toEqual([])
    const more = Array.from({ length: 4 }, () => aRecording(projectId))
    for (const each of more) await first.catalogue.createRecording(each)
    const page = await first.nodes.listHeld(3)
    const rest = await first.nodes.listHeld(3, page.at(-1))
    expect([...page, ...rest].map(({ id }) => id)).toEqual([upload, ...more].map(({ id }) => id).sort())
    expect(await first.nodes.listHeld(3, rest.at(-1))).toEqual([])
    expect(await first.catalogue.listUnsettled()).toEqual([live])
    expect(await second.catalogue.listUnsettled()).toEqual([other])
  })

  it('find what a node left that is not heard of any more', async () => {
    const { first, second, projectId } = await twoNodes()
    const [early, late] = [aLiveRecording(projectId, { createdAtMs: 1 }), aLiveRecording(projectId, { createdAtMs: 2 })]
    await first.nodes.beat()
    for (const each of [late, early, aRecording(projectId)]) await first.catalogue.createRecording(each)
    expect(await second.nodes.listLost(LONG_MS, 10)).toEqual([])
    await waitFor(async () => (await second.nodes.listLost(5, 10))[1])
    expect(await second.nodes.listLost(5, 10)).toEqual([early, late])
    expect(await second.nodes.listLost(5, 1)).toEqual([early])
    // One that never said anything is as silent as can be.
    const silent = aLiveRecording(projectId, { createdAtMs: 3 })
    await second.catalogue.createRecording(silent)
    expect(await first.nodes.listLost(LONG_MS, 10)).toEqual([silent])
  })

  it('do a work one at a time, and take it over when its time is up', async () => {
    const { first, second } = await twoNodes()
    const rivals = await Promise.all([first.nodes.lease('sweep', LONG_MS), second.nodes.lease('sweep', LONG_MS)])
    expect(rivals.filter(Boolean)).toHaveLength(1)
    const [winner, loser] = rivals[0] ? [first, second] : [second, first]
    expect(await winner.nodes.lease('sweep', 1)).toBe(true)
    await waitFor(async () => (await loser.nodes.lease('sweep', LONG_MS)) || undefined)
    expect(await winner.nodes.lease('sweep', LONG_MS)).toBe(false)
    expect(await winner.nodes.lease('another work', LONG_MS)).toBe(true)
  })
})
