import type { Uuid } from '../../domain/uuid.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import type { MediaStore } from '../../ports/media-store.ts'

/** What is copied. It is read, and its recordings without a hash get one. */
export interface MigrationSource {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  /** True while a server has it: what that server takes meanwhile is for another run. */
  readonly isServed: boolean
  /** The node whose disk has bytes that are not in the media store yet. Absent where nodes share nothing. */
  readonly findHolder?: (projectId: Uuid, recordingId: Uuid) => Promise<Uuid | undefined>
}

/** What is filled. No server has it, and none comes meanwhile. */
export interface MigrationTarget {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
}

/** Both, for the use cases between them. */
export interface Migrated {
  readonly source: MigrationSource
  readonly target: MigrationTarget
  /** Both keep media in the same place: what is there is verified, and neither copied nor removed. */
  readonly isSameMedia: boolean
}
