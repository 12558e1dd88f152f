import type { Cell } from './rows.ts'

/** Every read, by name. */
export type ReadName =
  | 'findIdentity'
  | 'findProject'
  | 'listProjects'
  | 'findToken'
  | 'listTokens'
  | 'findPublishToken'
  | 'listPublishTokens'
  | 'findTrunk'
  | 'listTrunks'
  | 'listTrunksOfProject'
  | 'findRecording'
  | 'findRecordings'
  | 'newest'
  | 'olderThan'
  | 'newerThan'
  | 'hasOlder'
  | 'hasNewer'
  | 'findCallDetails'
  | 'listMetadata'
  | 'countMetadata'
  | 'listUnsettled'
  | 'listUnsealed'

/** Every write, by name. Those that return a row give what they changed or removed. */
export type WriteName =
  | 'setIncomingMigration'
  | 'createProject'
  | 'updateProject'
  | 'deleteProject'
  | 'createToken'
  | 'updateToken'
  | 'deleteToken'
  | 'createPublishToken'
  | 'usePublishToken'
  | 'freePublishToken'
  | 'deletePublishTokens'
  | 'createTrunk'
  | 'updateTrunk'
  | 'deleteTrunk'
  | 'createRecording'
  | 'settleRecording'
  | 'sealRecording'
  | 'putCallDetails'
  | 'appendMetadata'
  | 'deleteRecording'

/** One statement and what it is given. */
export interface WriteStep {
  readonly name: WriteName
  readonly cells: readonly Cell[]
}

/** A database with the catalogue's statements in its own dialect. Rows are arrays of cells. Rejections are those of the Catalogue port. */
export interface SqlDriver {
  /** The first row, or undefined. May answer at once. */
  get(name: ReadName, ...cells: readonly Cell[]): unknown
  /** All rows, in order. May answer at once. */
  all(name: ReadName, ...cells: readonly Cell[]): readonly unknown[] | Promise<readonly unknown[]>
  /**
   * Does all steps or none. Resolves after the commit, with the row that the first step returned; when it should return one and does not, the others are
   * left out.
   */
  write(...steps: readonly WriteStep[]): Promise<unknown>
  check(): Promise<void>
  close(): Promise<void>
}
