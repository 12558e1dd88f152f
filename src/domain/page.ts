import type { Recording } from './recording.ts'
import type { Uuid } from './uuid.ts'

/** A place between two rows of a list that is sorted newest first by (createdAtMs, id). Survives deletion of its row. */
export interface Position {
  readonly createdAtMs: number
  readonly id: Uuid
}

/** Which rows to fetch: those older than a position, those newer, or the newest of all. */
export interface PageRequest {
  readonly limit: number
  readonly olderThan?: Position
  /** The rows just newer than this position; still returned newest first. */
  readonly newerThan?: Position
}

/** One page of recordings, newest first, and whether there are more on either side. */
export interface Page {
  readonly items: readonly Recording[]
  readonly hasOlder: boolean
  readonly hasNewer: boolean
}

export const PAGE_SIZE_MAX = 1000
export const PAGE_SIZE_DEFAULT = 50
