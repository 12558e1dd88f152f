import { mkdir, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import type { Uuid } from '../../domain/uuid.ts'
import { syncFolder } from './folders.ts'

/** What a backup says of itself, in `backup.json`: it is there exactly when the backup is whole. */
export interface BackupManifest {
  /** Of the form of this file and its folder. */
  readonly version: 1
  /** The moment of the catalogue's copy: what was acknowledged before it is in the backup. */
  readonly taken_at: string
  /** The program that made it; the same or a newer one can use it. */
  readonly poulsen: string
  /** Whether the catalogue is in it, or was in PostgreSQL. */
  readonly catalogue: 'sqlite' | 'postgres'
  /** Ids of the projects: a backup of others goes elsewhere. */
  readonly projects: readonly Uuid[]
  readonly recordings: number
  readonly bytes: number
}

/** Who is about to back up, and where to. */
export interface BackupFolderOptions {
  readonly folder: string
  readonly dataDir: string
  readonly catalogue: BackupManifest['catalogue']
  readonly projects: readonly Uuid[]
}

const MANIFEST = 'backup.json'
const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
/** What a first run that was cut off has left, and what a disk has at its top. */
const OF_A_FIRST_RUN = /^(media|catalogue\.sqlite\.part.*|backup\.json\.part|server\.lock.*|lost\+found)$/

/**
 * Makes a folder for a backup, or takes one that has a backup of this server, or half of one. Its parent must be there: a disk that is not mounted is no place. Rejects with BACKUP_FOLDER_UNUSABLE, and with
 * BACKUP_FOLDER_FOREIGN for anything else in it.
 */
export const openBackupFolder = async (options: BackupFolderOptions): Promise<void> => {
  const { folder } = options
  try {
    const [parent, dataDir] = await Promise.all([realpath(dirname(resolve(folder))), realpath(options.dataDir)])
    requireApart(join(parent, basename(folder)), dataDir)
    await mkdir(folder, { mode: PRIVATE_FOLDER }).catch(unlessThere)
    // It may be a link.
    requireApart(await realpath(folder), dataDir)
    const manifest = await readManifest(folder)
    if (manifest) requireOurs(manifest, options)
    else await requireEmpty(folder)
  } catch (error) {
    throw error instanceof PoulsenError ? error : unusable(folder, error)
  }
}

/** Says that the backup is whole. Rejects with the file system's errors. */
export const writeManifest = async (folder: string, manifest: BackupManifest): Promise<void> => {
  const path = join(folder, MANIFEST)
  const file = await open(`${path}.part`, 'w', PRIVATE_FILE)
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
  await syncFolder(folder)
}

/** A folder that a server works in is no backup any more. */
export const dropManifest = (folder: string): Promise<void> => rm(join(folder, MANIFEST), { force: true })

const unlessThere = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error
}

const requireApart = (folder: string, dataDir: string): void => {
  const isWithin = (inner: string, outer: string) => `${inner}${sep}`.startsWith(`${outer}${sep}`)
  if (isWithin(folder, dataDir) || isWithin(dataDir, folder))
    throw foreign(`${folder} and the data folder ${dataDir} are one in the other`)
}

const readManifest = async (folder: string): Promise<Partial<BackupManifest> | undefined> => {
  try {
    return JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Partial<BackupManifest>
  } catch (error) {
    if (error instanceof SyntaxError) throw foreign(`${join(folder, MANIFEST)} is not what a backup has there`)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const requireOurs = (manifest: Partial<BackupManifest>, { folder, catalogue, projects }: BackupFolderOptions): void => {
  const { version, projects: theirs = [] } = manifest
  if (version !== 1) throw foreign(`${folder} has a backup of version ${version}, which this program does not know`)
  if (manifest.catalogue !== catalogue)
    throw foreign(`${folder} has a backup of a server whose catalogue is in ${manifest.catalogue}, not in ${catalogue}`)
  if (theirs.length > 0 && !theirs.some((id) => projects.includes(id)))
    throw foreign(`${folder} has the backup of another server: they have no project in common`)
}

const requireEmpty = async (folder: string): Promise<void> => {
  const stranger = (await readdir(folder)).find((name) => !OF_A_FIRST_RUN.test(name))
  if (stranger !== undefined) throw foreign(`${folder} is no backup, and not empty: it has ${stranger}`)
}

const foreign = (what: string): PoulsenError =>
  new PoulsenError({
    code: 'BACKUP_FOLDER_FOREIGN',
    kind: 'conflict',
    message: `${what}.`,
    hint: 'Nothing was touched. Choose an empty folder, or one that is not there yet.',
  })

const unusable = (folder: string, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'BACKUP_FOLDER_UNUSABLE',
    kind: 'unavailable',
    message: `${folder} cannot be used for a backup: ${cause instanceof Error ? cause.message : cause}.`,
    hint: 'The folder that it is to be in must be there, and this user must be allowed to write there.',
    cause,
  })
