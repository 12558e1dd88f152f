import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type BackupManifest, openBackupFolder, writeManifest } from './adapters/filesystem/backup-folder.ts'
import { openFilesystemMediaStore } from './adapters/filesystem/media-store.ts'
import { copySqliteCatalogue, publishSqliteCatalogue } from './adapters/sqlite/backup.ts'
import { CATALOGUE_FILE, openSqliteCatalogue } from './adapters/sqlite/catalogue.ts'
import { acquireServerLock } from './adapters/sqlite/server-lock.ts'
import { openStores, type Stores } from './compose-stores.ts'
import { hasCode, PoulsenError } from './domain/errors.ts'
import type { Config } from './ops/config.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { LocalMediaStore } from './ports/media-store.ts'
import { NO_TELEMETRY } from './ports/telemetry.ts'
import {
  type BackupParts,
  type BackupReport,
  type CopiedMedia,
  copyMedia,
  listObsolete,
  measureBackup,
} from './services/backing-up.ts'

/** What `backUp` is told. */
export interface BackUpOptions {
  readonly folder: string
  /** Version of this program. */
  readonly version: string
  /** So many bytes will be brought. */
  readonly onBegin?: (byteSize: number) => void
  readonly onProgress?: (byteSize: number) => void
}

/** Left free beside what is brought. */
const SPARE_BYTES = 16 * 1024 ** 2

/**
 * Backs up a data folder beside its running server: a copy of the catalogue first, then what its rows name, then the word that it is whole. Killed at any point it leaves the backup that was there before, and
 * the next run goes on. Rejects with BACKUP_… codes, and as the stores do.
 */
export const backUp = async (config: Config, options: BackUpOptions): Promise<BackupReport> => {
  const stores = await openStores(config, { telemetry: NO_TELEMETRY, onTrouble: () => {} })
  try {
    const projects = (await stores.catalogue.listProjects()).map(({ id }) => id)
    const catalogue = config.catalogue === 'sqlite' ? 'sqlite' : 'postgres'
    await openBackupFolder({ folder: options.folder, dataDir: config.dataDir, catalogue, projects })
    const lock = lockFolder(options.folder)
    try {
      return await fill(config, stores, options)
    } finally {
      lock.release()
    }
  } catch (error) {
    throw isFull(error) ? noSpace(options.folder, error) : error
  } finally {
    await stores.close()
  }
}

const fill = async (config: Config, stores: Stores, options: BackUpOptions): Promise<BackupReport> => {
  const { folder } = options
  const takenAtMs = Date.now()
  const target = await openFilesystemMediaStore({ root: join(folder, 'media') })
  const copy = config.catalogue === 'sqlite' ? await copyCatalogue(config.dataDir, folder) : undefined
  const parts = partsOf(stores, target, copy, options)
  // Then media is linked, and the catalogue is there already.
  const isSameDisk = deviceOf(join(config.dataDir, 'media')) === deviceOf(join(folder, 'media'))
  const { copied, obsolete } = await bring(parts, folder, isSameDisk, options).finally(() => copy?.close())
  if (copy) publishSqliteCatalogue({ from: join(folder, `${CATALOGUE_FILE}.part`), to: join(folder, CATALOGUE_FILE) })
  await writeManifest(folder, await manifestOf(stores, parts, copied, takenAtMs, options.version))
  // Last: until the new catalogue is in place these belong to the old one.
  for (const key of obsolete) await target.remove(key)
  await target.sweepUnfinished(takenAtMs)
  const [hasCatalogue, hasBucket] = [copy !== undefined, parts.isShared]
  return { ...copied, takenAtMs, removed: obsolete.length, hasCatalogue, hasBucket, isSameDisk }
}

const partsOf = (
  { catalogue, landing, shared }: Stores,
  target: LocalMediaStore,
  copy: Catalogue | undefined,
  { onProgress }: BackUpOptions,
): BackupParts => ({
  catalogue,
  source: landing,
  target,
  isShared: shared !== undefined,
  ...(copy && { copy }),
  ...(onProgress && { onProgress }),
})

const bring = async (parts: BackupParts, folder: string, isSameDisk: boolean, { onBegin }: BackUpOptions) => {
  const bytes = await measureBackup(parts)
  if (!isSameDisk) requireSpace(folder, bytes, await parts.target.freeBytes())
  onBegin?.(bytes)
  return { copied: await copyMedia(parts), obsolete: await listObsolete(parts) }
}

const manifestOf = async (
  stores: Stores,
  { copy }: BackupParts,
  { recordings, bytes }: CopiedMedia,
  takenAtMs: number,
  version: string,
): Promise<BackupManifest> => ({
  version: 1,
  taken_at: new Date(takenAtMs).toISOString(),
  poulsen: version,
  catalogue: copy ? 'sqlite' : 'postgres',
  projects: (await stores.catalogue.listProjects()).map(({ id }) => id),
  recordings,
  bytes,
})

const deviceOf = (path: string): number => statSync(path).dev

const copyCatalogue = async (dataDir: string, folder: string) => {
  const to = join(folder, `${CATALOGUE_FILE}.part`)
  await copySqliteCatalogue({ from: join(dataDir, CATALOGUE_FILE), to })
  return openSqliteCatalogue({ path: to, telemetry: NO_TELEMETRY })
}

const requireSpace = (folder: string, bytes: number, free: number | undefined): void => {
  if (free === undefined || bytes + SPARE_BYTES <= free) return
  throw noSpace(folder, undefined, `${bytes} bytes are to be copied and ${free} are free`)
}

const lockFolder = (folder: string) => {
  try {
    return acquireServerLock(join(folder, 'server.lock'), { pid: process.pid })
  } catch (error) {
    throw hasCode(error, 'DATA_DIR_IN_USE') ? inUse(folder, error) : error
  }
}

const inUse = (folder: string, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'BACKUP_FOLDER_IN_USE',
    kind: 'conflict',
    message: `Another backup to ${folder} is running, or a server in it.`,
    hint: 'Wait for it to end.',
    cause,
  })

const isFull = (error: unknown): boolean =>
  hasCode(error, 'MEDIA_DISK_FULL') ||
  [error, (error as { cause?: unknown }).cause].some((each) =>
    /^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(String((each as { code?: unknown } | undefined)?.code)),
  )

const noSpace = (folder: string, cause?: unknown, why = 'its disk is full'): PoulsenError =>
  new PoulsenError({
    code: 'BACKUP_NO_SPACE',
    kind: 'unavailable',
    message: `There is no room for the backup in ${folder}: ${why}.`,
    hint: 'Make room and run it again: it goes on from there. An earlier backup in the folder is whole still.',
    cause,
  })
