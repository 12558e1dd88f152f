import { hasCode } from '../domain/errors.ts'
import type { MediaObject } from '../domain/media-object.ts'
import { isFinal, type Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { LocalMediaStore, MediaKey, MediaStore } from '../ports/media-store.ts'
import { allRecordings } from './all-recordings.ts'
import { findMedia } from './find-media.ts'
import { orphansAmong } from './orphans.ts'

/** Objects that are copied at the same time: their fsyncs share commits of the file system. */
const PARALLEL_MAX = 8

/** What a backup is made of. */
export interface BackupParts {
  /** The catalogue in use. */
  readonly catalogue: Catalogue
  /** Its copy, which goes into the backup; absent when the catalogue is backed up by other means, and its rows as they are now say what belongs to it. */
  readonly copy?: Catalogue
  readonly source: LocalMediaStore
  readonly target: LocalMediaStore
  /** Bytes that are not in the source may be in a bucket, or on another node. */
  readonly isShared: boolean
  /** So many bytes more are in it. */
  readonly onProgress?: (byteSize: number) => void
}

/** A recording whose bytes should be on this disk and are not, or not as many as its row says. */
export interface MissingMedia {
  readonly id: Uuid
  readonly projectId: Uuid
}

/** What became of the recordings that the catalogue named. */
export interface CopiedMedia {
  /** Final ones, without those that were deleted meanwhile. */
  recordings: number
  /** What they have, in this backup. */
  bytes: number
  /** Of them, those whose bytes an earlier run had brought, and those that this one did. */
  kept: number
  added: number
  /** Of them, those whose bytes are in the bucket or on another node. */
  elsewhere: number
  /** Their audio is not in it. */
  inProgress: number
  /** Deleted while it ran; they are not in it. */
  deleted: number
  readonly missing: MissingMedia[]
}

/** What a backup was made of, and how it went. */
export interface BackupReport extends CopiedMedia {
  readonly takenAtMs: number
  /** Objects of deleted recordings that an earlier run had brought. */
  readonly removed: number
  /** False: it is in PostgreSQL. */
  readonly hasCatalogue: boolean
  /** True: what has moved there is not in it. */
  readonly hasBucket: boolean
  /** True: media is linked, not copied, and goes when this disk does. */
  readonly isSameDisk: boolean
}

/** Bytes that are on this disk and not in the backup yet, so that who begins may know whether they have room. Rejects as the catalogue and the stores do. */
export const measureBackup = async (parts: BackupParts): Promise<number> => {
  let bytes = 0
  for await (const { media, status } of everyRecording(parts.copy ?? parts.catalogue)) {
    if (!media || !isFinal(status) || (await has(parts.target, media)) || !(await has(parts.source, media))) continue
    bytes += media.byteSize ?? 0
  }
  return bytes
}

/**
 * Brings the bytes of every final recording of the catalogue's copy into the backup, and takes out of that copy what was deleted meanwhile: in the end every row has its bytes. What is in the
 * target already stays. Rejects as the catalogues and the stores do; what was brought until then counts for the next run.
 */
export const copyMedia = async (parts: BackupParts): Promise<CopiedMedia> => {
  const result: CopiedMedia = {
    recordings: 0,
    bytes: 0,
    kept: 0,
    added: 0,
    elsewhere: 0,
    inProgress: 0,
    deleted: 0,
    missing: [],
  }
  const recordings = everyRecording(parts.copy ?? parts.catalogue)
  const worker = async () => {
    // One iterator for all of them: each takes what is next.
    try {
      for (let next = await recordings.next(); !next.done; next = await recordings.next())
        await copyOne(parts, next.value, result)
    } finally {
      await recordings.return()
    }
  }
  // All of them have ended before anybody hears that one has failed.
  const ends = await Promise.allSettled(Array.from({ length: PARALLEL_MAX }, worker))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return result
}

/** The objects of the backup that no row names any more. Rejects as the catalogues and the store do. */
export const listObsolete = async ({ catalogue, copy, target }: BackupParts): Promise<readonly MediaKey[]> => {
  const obsolete: MediaKey[] = []
  for await (const { key } of orphansAmong(copy ?? catalogue, target.list())) obsolete.push(key)
  return obsolete
}

const copyOne = async (parts: BackupParts, recording: Recording, result: CopiedMedia): Promise<void> => {
  const { media, status, id, projectId } = recording
  if (!isFinal(status)) result.inProgress += 1
  else if (!media) result.recordings += 1
  else if (await has(parts.target, media)) count(result, 'kept', media)
  else if (await bring(parts, media)) {
    count(result, 'added', media)
    parts.onProgress?.(media.byteSize ?? 0)
  } else if (await isDeleted(parts, recording)) result.deleted += 1
  else if (parts.isShared) {
    result.recordings += 1
    result.elsewhere += 1
  } else result.missing.push({ id, projectId })
}

const count = (result: CopiedMedia, how: 'kept' | 'added', { byteSize = 0 }: MediaObject): void => {
  result.recordings += 1
  result[how] += 1
  result.bytes += byteSize
}

/** False when the source does not have it, or not whole. */
const bring = async ({ source, target }: BackupParts, media: MediaObject): Promise<boolean> => {
  if (!(await has(source, media))) return false
  // What is there under its name is not what was stored, else we would not be here.
  await target.remove(media.key)
  try {
    await target.share(media.key, source.pathOf(media.key))
  } catch (error) {
    if (hasCode(error, 'MEDIA_NOT_FOUND')) return false
    throw error
  }
  return has(target, media)
}

/** True for what is not in the catalogue any more; it is then not in its copy either. */
const isDeleted = async ({ catalogue, copy }: BackupParts, { projectId, id, media }: Recording): Promise<boolean> => {
  const now = await catalogue.findRecording(projectId, id)
  if (now?.media?.key === media?.key) return false
  await copy?.deleteRecording(projectId, id)
  return true
}

/** True when a store has all of an object. */
const has = async (store: MediaStore, { key, byteSize }: MediaObject): Promise<boolean> => {
  const found = await findMedia(store, key)
  return found !== undefined && (byteSize === undefined || found.byteSize === byteSize)
}

async function* everyRecording(catalogue: Catalogue): AsyncGenerator<Recording, void> {
  for (const { id } of await catalogue.listProjects()) yield* allRecordings(catalogue, id)
}
