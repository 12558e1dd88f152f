import type { WriteStep } from '../sql/sql-driver.ts'

/** What the writer thread is started with. */
export interface WriterData {
  readonly path: string
}

/** One write to do: all of its steps or none of them. When the first should return a row and does not, the others are left out. */
export interface WriteRequest {
  readonly id: number
  readonly steps: readonly WriteStep[]
}

/** How one write ended, sent only after its commit: the row that its first step returned (if it returns one), or SQLite's error. */
export interface WriteResult {
  readonly id: number
  readonly row?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** One group commit. */
export interface CommitReport {
  readonly seconds: number
  readonly results: readonly WriteResult[]
}

/** What the parent sends: a group of writes, or the wish to end. */
export type WriterMessage = readonly WriteRequest[] | 'close'
