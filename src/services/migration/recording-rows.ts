import { isDeepStrictEqual } from 'node:util'
import { isFinal, type Recording } from '../../domain/recording.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { recordingPages } from '../all-recordings.ts'
import type { Pair } from './pair-sorted.ts'

/** A recording's row, and how much of its metadata there is. */
export interface RecordingRow {
  readonly recording: Recording
  readonly versions: number
}

/** What is to be done about a recording: nothing; leave it for another run; copy it (again); add what came to its metadata; remove it from the target. */
export type Step = 'none' | 'leave' | 'copy' | 'append' | 'remove'

/** A project's recordings, newest first. */
export async function* recordingRows(catalogue: Catalogue, projectId: Uuid): AsyncGenerator<RecordingRow> {
  for await (const recordings of recordingPages(catalogue, projectId)) {
    const ids = recordings.map(({ id }) => id)
    const counts = await catalogue.countMetadata(projectId, ids)
    for (const recording of recordings) yield { recording, versions: counts.get(recording.id) ?? 0 }
  }
}

/** The order of {@link recordingRows}. */
export const newestFirst = ({ recording: a }: RecordingRow, { recording: b }: RecordingRow): number =>
  b.createdAtMs - a.createdAtMs || (a.id === b.id ? 0 : a.id < b.id ? 1 : -1)

/**
 * What the rows of both sides ask for. The target's row is its own proof: it is written when the bytes are there, and it has all that may change of a recording but
 * the metadata, to which versions are only ever added.
 */
export const stepFor = ({ source, target }: Pair<RecordingRow>): Step => {
  if (!source) return 'remove'
  if (!isFinal(source.recording.status)) return 'leave'
  if (!target || !isDeepStrictEqual(source.recording, target.recording)) return 'copy'
  return source.versions > target.versions ? 'append' : 'none'
}
