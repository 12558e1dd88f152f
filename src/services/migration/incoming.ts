import { PoulsenError } from '../../domain/errors.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import type { MediaStore } from '../../ports/media-store.ts'
import type { Migrated } from './sides.ts'

/**
 * Notes in the target that this source fills it, once it is sure that nothing of anybody else's is there; the source's identity. Rejects with MIGRATION_SOURCE_EMPTY,
 * MIGRATION_SAME, MIGRATION_TARGET_TAKEN, or with CATALOGUE_INCOMPLETE for a source that is half a copy itself.
 */
export const claimTarget = async ({ source, target, isSameMedia }: Migrated): Promise<Uuid> => {
  const sourceId = await source.catalogue.getIdentity()
  if (sourceId === (await target.catalogue.getIdentity())) throw sameCatalogue()
  if ((await source.catalogue.listProjects()).length === 0) throw empty()
  await requireWhole(source.catalogue)
  const incoming = await target.catalogue.findIncomingMigration()
  if (incoming && incoming.sourceId !== sourceId) throw taken('another catalogue was being copied into it')
  if (!incoming && (await target.catalogue.listProjects()).length > 0) throw taken('it has projects already')
  if (!incoming && !isSameMedia && (await hasObjects(target.mediaStore))) throw taken('its media store has objects')
  await target.catalogue.setIncomingMigration({ sourceId, isComplete: false })
  return sourceId
}

/** Lets a server have a catalogue: one that was filled is from now on its own, and no run will touch it again. Rejects with CATALOGUE_INCOMPLETE. */
export const takeOver = async (catalogue: Catalogue): Promise<void> => {
  await requireWhole(catalogue)
  if (await catalogue.findIncomingMigration()) await catalogue.setIncomingMigration(undefined)
}

const requireWhole = async (catalogue: Catalogue): Promise<void> => {
  if ((await catalogue.findIncomingMigration())?.isComplete === false) throw incomplete()
}

const hasObjects = async (store: MediaStore): Promise<boolean> => {
  for await (const _object of store.list()) return true
  return false
}

const incomplete = (): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_INCOMPLETE',
    kind: 'conflict',
    message: 'This catalogue is being filled by `poulsen migrate`, and does not have everything yet.',
    hint: 'Stop the servers of the source, then run the same `poulsen migrate` once more.',
  })

/** The refusal to copy a catalogue into itself. */
export const sameCatalogue = (): PoulsenError =>
  new PoulsenError({
    code: 'MIGRATION_SAME',
    kind: 'invalid',
    message: '--from and --to are the same catalogue, or one is a copy of the file of the other.',
  })

const empty = (): PoulsenError =>
  new PoulsenError({
    code: 'MIGRATION_SOURCE_EMPTY',
    kind: 'invalid',
    message: 'The source has no project, so there is nothing to move.',
    hint: 'Look at --from: it is what the server of the source has as its data folder, POULSEN_CATALOGUE and POULSEN_MEDIA_STORE.',
  })

const taken = (why: string): PoulsenError =>
  new PoulsenError({
    code: 'MIGRATION_TARGET_TAKEN',
    kind: 'conflict',
    message: `The target is not empty, and not a copy that can be gone on with: ${why}.`,
    hint: 'Give --to a new folder, an empty database, a bucket or prefix without objects. What a server was started on is no copy any more.',
  })
