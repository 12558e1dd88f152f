import type { Project } from '../../domain/project.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { inParallel } from './in-parallel.ts'
import { claimTarget } from './incoming.ts'
import { mirrorSettings } from './mirror-settings.ts'
import { type Pair, pairSorted } from './pair-sorted.ts'
import { RecordingMover } from './recording-mover.ts'
import { newestFirst, type RecordingRow, recordingRows, stepFor } from './recording-rows.ts'
import type { Migrated } from './sides.ts'
import { type Counts, Tally } from './tally.ts'

/** Recordings that are copied at the same time. Each may hold four parts of an upload to S3, 32 MiB. */
export const MOVES_PARALLEL_MAX = 6

/** What a run has to copy. */
export interface Plan {
  readonly recordings: number
  readonly bytes: number
}

/** How a run ended. */
export interface MigrationReport extends Counts {
  /** A server of the source was running: what it took meanwhile is for another run. */
  readonly isServed: boolean
  /** The target has everything, but for what is wrong at the source: a server may be started on it. */
  readonly isComplete: boolean
}

/** Hears of a run's plan when it is made, then of what is done after every recording. */
export interface MigrationListener {
  planned(plan: Plan): void
  moved(counts: Counts): void
}

/**
 * Makes the target what the source is: copies what it has not, adds what changed, removes what is gone. The target's own rows say how far earlier runs came, so that one
 * that was cut off anywhere is gone on with by the next; what is there costs a read of its row on both sides. Rejects with MIGRATION_…, CATALOGUE_… and MEDIA_… codes;
 * what was done until then stays.
 */
export const migrate = async (sides: Migrated, listener: MigrationListener): Promise<MigrationReport> => {
  const { source, target } = sides
  const sourceId = await claimTarget(sides)
  const projects = await mirrorSettings(source.catalogue, target.catalogue)
  const gone = await goneProjects(source.catalogue, projects)
  listener.planned(await planOf(sides, projects))
  const tally = new Tally()
  const mover = new RecordingMover(sides, tally)
  await inParallel(pairsOf(sides, projects), MOVES_PARALLEL_MAX, async (pair) => {
    await mover.move(pair)
    listener.moved(tally)
  })
  // With their last recordings they may go.
  for (const { id } of gone) await target.catalogue.deleteProject(id)
  const isComplete = !source.isServed && tally.left.count === 0
  await target.catalogue.setIncomingMigration({ sourceId, isComplete })
  return { ...tally, isServed: source.isServed, isComplete }
}

async function* pairsOf(
  { source, target }: Migrated,
  projects: readonly Project[],
): AsyncGenerator<Pair<RecordingRow>> {
  for (const { id } of projects)
    yield* pairSorted(recordingRows(source.catalogue, id), recordingRows(target.catalogue, id), newestFirst)
}

const planOf = async (sides: Migrated, projects: readonly Project[]): Promise<Plan> => {
  const plan = { recordings: 0, bytes: 0 }
  for await (const pair of pairsOf(sides, projects)) {
    if (stepFor(pair) !== 'copy') continue
    plan.recordings += 1
    plan.bytes += pair.source?.recording.media?.byteSize ?? 0
  }
  return plan
}

/** Those that the source has no more. Found before the walk over their recordings, which then removes all of them. */
const goneProjects = async (source: Catalogue, projects: readonly Project[]): Promise<readonly Project[]> => {
  const ids = new Set((await source.listProjects()).map(({ id }) => id))
  return projects.filter(({ id }) => !ids.has(id))
}
