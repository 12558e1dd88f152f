import type { Catalogue } from '../ports/catalogue.ts'
import type { MediaKey } from '../ports/media-store.ts'
import { parseMediaKey } from './media-key.ts'

interface Keyed {
  readonly key: MediaKey
}

/** The catalogue is asked about so many keys at a time. */
const BATCH = 500

/** An object and whether no row names it. */
export interface Told<T> {
  readonly stat: T
  readonly isOrphan: boolean
}

/**
 * Tells of each object whether its recording does not exist or has other bytes; derived bytes go with theirs, and what is not ours is no orphan. Asks the catalogue about many at
 * once: a bucket may hold a thousand million. Rejects as the catalogue and the listing do.
 */
export async function* tellOrphans<T extends Keyed>(
  catalogue: Catalogue,
  stats: AsyncIterable<T> | Iterable<T>,
): AsyncGenerator<Told<T>> {
  for await (const batch of batchesOf(stats)) yield* await tellBatch(catalogue, batch)
}

/** Those that no row names. */
export async function* orphansAmong<T extends Keyed>(
  catalogue: Catalogue,
  stats: AsyncIterable<T> | Iterable<T>,
): AsyncGenerator<T> {
  for await (const { stat, isOrphan } of tellOrphans(catalogue, stats)) if (isOrphan) yield stat
}

async function* batchesOf<T>(stats: AsyncIterable<T> | Iterable<T>): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  for await (const stat of stats) {
    batch.push(stat)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const tellBatch = async <T extends Keyed>(catalogue: Catalogue, batch: readonly T[]): Promise<readonly Told<T>[]> => {
  const owners = batch.flatMap(({ key }) => parseMediaKey(key) ?? [])
  const recordings = await catalogue.findRecordings(owners.map(({ recordingId }) => recordingId))
  const named = new Map(recordings.map(({ projectId, id, media }) => [`${projectId} ${id}`, media?.key]))
  return batch.map((stat) => {
    const owner = parseMediaKey(stat.key)
    const ours = owner && named.get(`${owner.projectId} ${owner.recordingId}`)
    return { stat, isOrphan: owner !== undefined && !isOf(ours, stat.key) }
  })
}

const isOf = (ours: MediaKey | undefined, key: MediaKey): boolean =>
  ours !== undefined && (key === ours || key.startsWith(`${ours}.`))
