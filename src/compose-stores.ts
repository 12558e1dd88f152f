import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFilesystemMediaStore } from './adapters/filesystem/media-store.ts'
import type { S3MediaStore } from './adapters/s3/media-store.ts'
import { CATALOGUE_FILE, openSqliteCatalogue } from './adapters/sqlite/catalogue.ts'
import { systemClock } from './adapters/system/clock.ts'
import { readNodeId } from './adapters/system/node-id.ts'
import { connectS3 } from './compose-s3.ts'
import { PoulsenError } from './domain/errors.ts'
import type { Config } from './ops/config.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { LocalMediaStore, MediaStore } from './ports/media-store.ts'
import type { Nodes } from './ports/nodes.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Presign } from './services/playback.ts'
import { SpooledMediaStore } from './services/spooled-media-store.ts'
import { Spooling } from './services/spooling.ts'

/** Where rows and bytes are kept, as configured. */
export interface Stores {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  /** The part of the media store that is on this machine: where bytes land. */
  readonly landing: LocalMediaStore
  /** The part that nodes share, if it is in two places, and what moves bytes there. */
  readonly shared?: { readonly mediaStore: MediaStore; readonly spooling: Spooling }
  /** Present when listeners are sent to the shared media store. */
  readonly presign?: Presign
  /** Present when others share both catalogue and media store. */
  readonly nodes?: Nodes
  /** Ends what moves, finishes accepted writes, releases everything. */
  close(): Promise<void>
}

/** Who hears of what the stores do. */
export interface StoresOptions {
  readonly telemetry: Telemetry
  readonly onTrouble: (error: unknown, what: string) => void
}

/** Says which media store this data folder has been used with. */
const REACHED_FILE = 'media-store'

/** True when several servers may use this configuration's catalogue at once: what one has taken, all can reach. */
export const isShared = ({ catalogue, mediaStore }: Config): boolean => catalogue !== 'sqlite' && mediaStore !== 'file'

/** Opens the catalogue and the media store. Rejects with one clear CATALOGUE_…, MEDIA_… or CONFIG_INVALID error. */
export const openStores = async (config: Config, options: StoresOptions): Promise<Stores> => {
  const { dataDir } = config
  const landing = await openFilesystemMediaStore({ root: join(dataDir, 'media') })
  const remote = config.mediaStore === 'file' ? undefined : await openRemote(config.mediaStore, dataDir)
  const { catalogue, nodes } = await openCatalogue(config, options.telemetry)
  if (!remote) return { catalogue, mediaStore: landing, landing, close: () => catalogue.close() }
  const removals = await openFilesystemMediaStore({ root: join(dataDir, 'removals') })
  const spool = { local: landing, remote, removals }
  const parts = { ...spool, ...options, catalogue, clock: systemClock, ...(nodes && { nodes }) }
  const spooling = new Spooling(parts)
  const close = async () => {
    await spooling.close()
    await catalogue.close()
    remote.close()
  }
  const mediaStore = new SpooledMediaStore(spool, spooling)
  const expiresInSeconds = config.mediaRedirectSeconds
  const presign: Presign = (key, contentType) => remote.presign(key, { expiresInSeconds, contentType })
  return {
    catalogue,
    mediaStore,
    landing,
    shared: { mediaStore: remote, spooling },
    close,
    ...(expiresInSeconds > 0 && { presign }),
    ...(nodes && { nodes }),
  }
}

const openCatalogue = async (
  config: Config,
  telemetry: Telemetry,
): Promise<{ readonly catalogue: Catalogue; readonly nodes?: Nodes }> => {
  const { catalogue: url, dataDir, nodeUrl } = config
  if (url === 'sqlite')
    return { catalogue: await openSqliteCatalogue({ path: join(dataDir, CATALOGUE_FILE), telemetry }) }
  // Loaded only when it is used.
  const { openPostgresCatalogue, openSharedCatalogue } = await import('./adapters/postgres/catalogue.ts')
  if (!isShared(config)) return { catalogue: await openPostgresCatalogue({ url, telemetry }) }
  const node = { id: readNodeId(dataDir), ...(nodeUrl !== undefined && { url: nodeUrl }) }
  return openSharedCatalogue({ url, telemetry, node })
}

/** Opens the shared media store. One that was never reached has to be there; one that was may be away for a while, and calls are taken nevertheless. */
const openRemote = async (url: string, dataDir: string): Promise<S3MediaStore> => {
  const { isAway } = await import('./adapters/s3/start-failure.ts')
  const path = join(dataDir, REACHED_FILE)
  const store = await connectS3(url, (allowed) => notAllowed(url, allowed))
  try {
    await store.probe()
    if (readIfThere(path) !== url) writeFileSync(path, url)
  } catch (error) {
    if (isAway(error) && readIfThere(path) === url) return store
    store.close()
    throw error
  }
  return store
}

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const notAllowed = (url: string, allowed: string): PoulsenError =>
  new PoulsenError({
    code: 'CONFIG_INVALID',
    kind: 'invalid',
    message: `POULSEN_MEDIA_STORE=${url} is not allowed; allowed: ${allowed}.`,
  })
