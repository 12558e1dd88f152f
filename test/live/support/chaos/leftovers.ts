import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openFilesystemMediaStore } from '../../../../src/adapters/filesystem/media-store.ts'
import { openSharedCatalogue } from '../../../../src/adapters/postgres/catalogue.ts'
import { openS3MediaStore } from '../../../../src/adapters/s3/media-store.ts'
import { parseS3Url } from '../../../../src/adapters/s3/s3-url.ts'
import { systemClock } from '../../../../src/adapters/system/clock.ts'
import type { Catalogue } from '../../../../src/ports/catalogue.ts'
import type { MediaStore } from '../../../../src/ports/media-store.ts'
import { parseMediaKey } from '../../../../src/services/media-key.ts'
import { Sweeping } from '../../../../src/services/sweeping.ts'
import { aTelemetry } from '../../../builders/services.ts'
import { MemoryMediaStore } from '../../../fakes/memory-media-store.ts'
import type { ServerCredentials } from '../../../support/s3-server.ts'
import type { ClusterNode } from '../cluster.ts'

/** Where the nodes, which have stopped, kept what they kept. */
export interface Remains {
  readonly nodes: readonly ClusterNode[]
  readonly database: string
  readonly mediaStore: string
  readonly credentials: ServerCredentials
}

/** What the sweepers found, whose time is made to come now, and what is wrong with what they left. */
export interface Leftovers {
  readonly problems: readonly string[]
  /** Objects that no row named, in S3 and on the disks. */
  readonly orphans: { readonly s3: number; readonly disks: number }
  /** Objects in S3 afterwards. */
  readonly objects: number
}

/** Sweeps S3 and the nodes' disks. Afterwards S3 has what rows name and nothing else, and the disks have nothing. */
export const sweepAll = async ({ nodes, database, mediaStore, credentials }: Remains): Promise<Leftovers> => {
  const location = parseS3Url(mediaStore)
  if (typeof location === 'string') throw new Error(location)
  const telemetry = aTelemetry()
  const { catalogue } = await openSharedCatalogue({ url: database, telemetry, node: { id: randomUUID() } })
  const remote = await openS3MediaStore({ location, credentials })
  const disks = await Promise.all(
    nodes.map(({ dataDir }) => openFilesystemMediaStore({ root: join(dataDir, 'media') })),
  )
  try {
    const ports = { catalogue, telemetry, clock: systemClock }
    const notes = new MemoryMediaStore()
    const sweep = async (store: MediaStore) =>
      (await new Sweeping({ ...ports, name: 'shared', store, notes, keepMs: 0, ageMinMs: 0 }).sweep()).orphans
    const orphans = { s3: await sweep(remote), disks: 0 }
    for (const disk of disks) orphans.disks += await sweep(disk)
    const keys = await keysIn(remote)
    const problems = (await strangers(catalogue, keys)).map((key) => `${key} is in S3 for nobody`)
    for (const disk of disks) for (const key of await keysIn(disk)) problems.push(`${key} is still on a disk`)
    return { orphans, problems, objects: keys.length }
  } finally {
    remote.close()
    await catalogue.close()
  }
}

const keysIn = async (store: MediaStore): Promise<readonly string[]> =>
  (await Array.fromAsync(store.list())).map(({ key }) => key)

const strangers = async (catalogue: Catalogue, keys: readonly string[]): Promise<readonly string[]> => {
  const strange: string[] = []
  for (const key of keys) {
    const owner = parseMediaKey(key)
    const row = owner && (await catalogue.findRecording(owner.projectId, owner.recordingId))
    if (row?.media?.key !== key) strange.push(key)
  }
  return strange
}
