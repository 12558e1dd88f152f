import { randomUUID } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { openFilesystemMediaStore } from './adapters/filesystem/media-store.ts'
import { CATALOGUE_FILE, openSqliteCatalogue } from './adapters/sqlite/catalogue.ts'
import { acquireServerLock } from './adapters/sqlite/server-lock.ts'
import { ensureDataDir } from './compose.ts'
import { type ConnectedS3, connectS3 } from './compose-s3.ts'
import { hasCode, PoulsenError } from './domain/errors.ts'
import { usage } from './edges/cli/context.ts'
import type { MigrationSide, MigrationSides } from './edges/cli/migration-side.ts'
import type { MediaStore } from './ports/media-store.ts'
import { NO_TELEMETRY } from './ports/telemetry.ts'
import { sameCatalogue } from './services/migration/incoming.ts'
import { type MigrationListener, type MigrationReport, migrate } from './services/migration/migrate.ts'
import type { MigrationSource, MigrationTarget } from './services/migration/sides.ts'
import { SpooledMediaStore, type SpoolListener } from './services/spooled-media-store.ts'

const telemetry = NO_TELEMETRY

/**
 * Opens both sides, runs the migration between them, and closes them. The target's lock is held all the while, and the source's when it is free: then nothing changes there.
 * Rejects with one clear USAGE_…, DATA_DIR_…, CATALOGUE_…, MEDIA_… or MIGRATION_… error.
 */
export const runMigration = async (
  { from, to }: MigrationSides,
  listener: MigrationListener,
): Promise<MigrationReport> => {
  requireSource(from)
  if (isSameCatalogue(from, to)) throw sameCatalogue()
  await using opened = new AsyncDisposableStack()
  if (to.folder !== undefined) await ensureDataDir(to.folder)
  await lock(to, opened).catch((error: unknown) => {
    throw isInUse(error) ? targetInUse(error) : error
  })
  const isServed = await isHeldByOthers(lock(from, opened))
  const source = { ...(await openSource(from, opened)), isServed }
  const target = await openTarget(to, opened)
  return await migrate({ source, target, isSameMedia: isSameMedia(from, to) }, listener)
}

/** A folder without a catalogue would get an empty one, and a slip of the pen would look like a source. */
const requireSource = ({ folder, catalogueUrl }: MigrationSide): void => {
  const needed = folder !== undefined && (catalogueUrl === undefined ? join(folder, CATALOGUE_FILE) : folder)
  if (needed === false || existsSync(needed)) return
  throw usage(`--from: there is no ${needed}.`, 'Name the data folder that the server of the source has.')
}

const isSameCatalogue = (from: MigrationSide, to: MigrationSide): boolean =>
  from.catalogueUrl === to.catalogueUrl && (from.catalogueUrl !== undefined || isSameFolder(from.folder, to.folder))

const isSameFolder = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && existsSync(b) && realpathSync(a) === realpathSync(b)

const isSameMedia = (from: MigrationSide, to: MigrationSide): boolean => {
  if (from.mediaUrl === undefined || to.mediaUrl === undefined)
    return from.mediaUrl === to.mediaUrl && isSameFolder(from.folder, to.folder)
  return isDeepStrictEqual(placeOf(from.mediaUrl), placeOf(to.mediaUrl))
}

const placeOf = (url: string) => {
  const { hostname, pathname, searchParams } = new URL(url)
  return [hostname, pathname.replace(/^\/|\/$/g, ''), searchParams.get('endpoint')]
}

/** Takes the lock that a server of this side has. One that is lost on the way is not missed: an incomplete copy lets no server start. Rejects with CATALOGUE_IN_USE or DATA_DIR_IN_USE. */
const lock = async ({ folder = '', catalogueUrl }: MigrationSide, opened: AsyncDisposableStack): Promise<void> => {
  if (catalogueUrl === undefined) {
    const taken = acquireServerLock(join(folder, 'server.lock'), { pid: process.pid })
    opened.defer(() => taken.release())
    return
  }
  const { acquireNodeLock } = await import('./adapters/postgres/node-lock.ts')
  const taken = await acquireNodeLock({ url: catalogueUrl, onTrouble: () => {} })
  opened.defer(() => taken.release())
}

const isInUse = (error: unknown): error is PoulsenError =>
  hasCode(error, 'CATALOGUE_IN_USE') || hasCode(error, 'DATA_DIR_IN_USE')

const isHeldByOthers = async (locking: Promise<void>): Promise<boolean> => {
  try {
    await locking
    return false
  } catch (error) {
    if (isInUse(error)) return true
    throw error
  }
}

const targetInUse = (cause: PoulsenError): PoulsenError =>
  new PoulsenError({
    code: 'MIGRATION_TARGET_IN_USE',
    kind: 'conflict',
    message: `The target is in use, by a server or another migration. ${cause.message}`,
    hint: 'Stop it. A target belongs to the migration until that is complete.',
    cause,
  })

const openTarget = async (side: MigrationSide, opened: AsyncDisposableStack): Promise<MigrationTarget> => {
  const { folder, mediaUrl } = side
  const mediaStore = mediaUrl === undefined ? await openLocal(folder) : await openRemote(mediaUrl, opened)
  return { catalogue: await openCatalogue(side, opened), mediaStore }
}

const openSource = async (
  side: MigrationSide,
  opened: AsyncDisposableStack,
): Promise<Omit<MigrationSource, 'isServed'>> => {
  const mediaStore = await openSourceMedia(side, opened)
  if (side.catalogueUrl === undefined || side.mediaUrl === undefined)
    return { catalogue: await openCatalogue(side, opened), mediaStore }
  const { openSharedCatalogue } = await import('./adapters/postgres/catalogue.ts')
  // A node that holds nothing, to ask what the others hold.
  const node = { id: randomUUID() }
  const { catalogue, nodes } = await openSharedCatalogue({ url: side.catalogueUrl, telemetry, node })
  opened.defer(() => catalogue.close())
  return { catalogue, mediaStore, findHolder: async (...key) => (await nodes.findHolder(...key))?.nodeId }
}

const openCatalogue = async ({ folder = '', catalogueUrl }: MigrationSide, opened: AsyncDisposableStack) => {
  const catalogue =
    catalogueUrl === undefined
      ? await openSqliteCatalogue({ path: join(folder, CATALOGUE_FILE), telemetry })
      : await (await import('./adapters/postgres/catalogue.ts')).openPostgresCatalogue({ url: catalogueUrl, telemetry })
  opened.defer(() => catalogue.close())
  return catalogue
}

const LISTENS_TO_NOTHING: SpoolListener = { isAway: false, arrived() {}, removalNoted() {} }

const openLocal = (folder = '') => openFilesystemMediaStore({ root: join(folder, 'media') })

const openRemote = async (url: string, opened: AsyncDisposableStack): Promise<ConnectedS3> => {
  const store = await connectS3(url, (allowed) => usage(`The s3:// URL is not allowed; allowed: ${allowed}.`))
  opened.defer(() => store.close())
  await store.probe()
  return store
}

/** With a folder beside the bucket, what has not moved from there yet is read there. */
const openSourceMedia = async (
  { folder, mediaUrl }: MigrationSide,
  opened: AsyncDisposableStack,
): Promise<MediaStore> => {
  if (mediaUrl === undefined) return openLocal(folder)
  const remote = await openRemote(mediaUrl, opened)
  if (folder === undefined) return remote
  const local = await openLocal(folder)
  const both = new SpooledMediaStore({ local, remote, removals: local }, LISTENS_TO_NOTHING)
  return Object.assign(both, { check: async () => void (await Promise.all([local.check(), remote.check()])) })
}
