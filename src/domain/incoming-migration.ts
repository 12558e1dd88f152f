import type { Uuid } from './uuid.ts'

/** Says of a catalogue that a migration fills it, and that no server has taken it over yet: what is in it is a copy. */
export interface IncomingMigration {
  /** The catalogue that is copied, by its identity. */
  readonly sourceId: Uuid
  /** True when the last run took all that there was, and nothing could be added meanwhile: a server may take over. */
  readonly isComplete: boolean
}
