import { access, constants, mkdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { openFilesystemDisk } from './adapters/filesystem/disk.ts'
import { openFilesystemMediaStore } from './adapters/filesystem/media-store.ts'
import { systemClock } from './adapters/system/clock.ts'
import { systemIds } from './adapters/system/ids.ts'
import { openTranscoder } from './adapters/workers/transcoder.ts'
import { openStores } from './compose-stores.ts'
import { PoulsenError } from './domain/errors.ts'
import type { Recording } from './domain/recording.ts'
import type { Config } from './ops/config.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { Clock } from './ports/clock.ts'
import type { Disk } from './ports/disk.ts'
import type { Ids } from './ports/ids.ts'
import type { LiveRecordings } from './ports/live-recordings.ts'
import type { MediaStore } from './ports/media-store.ts'
import { NO_TELEMETRY, type Telemetry } from './ports/telemetry.ts'
import { Access } from './services/access.ts'
import { Derivations } from './services/derivations.ts'
import { Ingest } from './services/ingest.ts'
import { NodeKeeping } from './services/node-keeping.ts'
import { Playback } from './services/playback.ts'
import { Projects } from './services/projects.ts'
import { PublishTokens } from './services/publish-tokens.ts'
import { Recordings } from './services/recordings.ts'
import { Sealing } from './services/sealing.ts'
import type { Services } from './services/services.ts'
import { Sweeping } from './services/sweeping.ts'
import { Tokens } from './services/tokens.ts'
import { Trunks } from './services/trunks.ts'
import { Whereabouts } from './services/whereabouts.ts'

const TRANSCODE_QUEUE_MAX = 64
const MS_PER_SECOND = 1000
const MS_PER_DAY = 24 * 60 * 60 * MS_PER_SECOND
/** An upload that is under way, or a recording that is on its way, may take longer to a shared store than to a disk. */
const SHARED_AGE_MIN_MS = MS_PER_DAY
/** Private: nobody but the server's own user reads recordings or digests from the disk. */
const PRIVATE_FOLDER = 0o700

/** For a process that records no calls. */
const NOTHING_LIVE: LiveRecordings = { open: async () => undefined, discard: async () => {}, list: () => [] }

/** What live capture is built on. */
export interface CapturePorts {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  readonly clock: Clock
  readonly ids: Ids
  /** A captured recording is final. */
  readonly onSettled: (recording: Recording) => void
}

/** Who hears of what happens, and how calls are recorded; the command line needs neither. */
export interface ServicesOptions {
  readonly telemetry?: Telemetry
  /** Work in the background failed; it will be tried again. */
  readonly onTrouble?: (error: unknown, what: string) => void
  readonly openCapture?: (ports: CapturePorts) => LiveRecordings
}

/** Makes the data folder when it is not there. Rejects with DATA_DIR_UNUSABLE. */
export const ensureDataDir = async (dataDir: string): Promise<void> => {
  try {
    await mkdir(dataDir, { recursive: true, mode: PRIVATE_FOLDER })
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unusable(dataDir, cause)
  }
}

const unusable = (dataDir: string, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'DATA_DIR_UNUSABLE',
    kind: 'unavailable',
    message: `The data folder ${dataDir} cannot be used: ${cause instanceof Error ? cause.message : cause}.`,
    hint: 'Set POULSEN_DATA_DIR to a folder that this user may write.',
    cause,
  })

/** Where calls in progress are kept; see docs/internals/journal.md. */
export const captureFolder = (dataDir: string): string => join(dataDir, 'capture')

/** A disk over the capture folder, which is made when it is not there. Rejects with MEDIA_UNAVAILABLE. */
export const openCaptureDisk = (dataDir: string): Promise<Disk> => openFilesystemDisk(captureFolder(dataDir))

/** Builds the adapters over one data folder and hands them to the use cases. Rejects with one clear PoulsenError when the folder cannot serve. */
export const openServices = async (config: Config, options: ServicesOptions = {}): Promise<Services> => {
  const { dataDir } = config
  const { telemetry = NO_TELEMETRY, openCapture = () => NOTHING_LIVE, onTrouble = () => {} } = options
  await ensureDataDir(dataDir)
  const stores = await openStores(config, { telemetry, onTrouble })
  const { catalogue, mediaStore, landing, shared, nodes } = stores
  const cache = await openFilesystemMediaStore({ root: join(dataDir, 'derived') })
  const entry = new URL(`./transcode-worker${extname(import.meta.filename)}`, import.meta.url)
  const transcoder = openTranscoder({ entry, workers: config.transcodeWorkers, queueMax: TRANSCODE_QUEUE_MAX })

  const sealing = new Sealing({ catalogue, mediaStore })
  let derivations: Derivations | undefined
  const onSettled = (recording: Recording) => {
    sealing.add(recording)
    // What could not be dropped now goes with the recording, or when the cache is full.
    derivations?.endGrowing({ projectId: recording.projectId, recordingId: recording.id }).catch(() => {})
  }
  const live = openCapture({ catalogue, mediaStore, clock: systemClock, ids: systemIds, onSettled })
  const ports = { ...stores, live, cache, transcoder, telemetry, clock: systemClock, ids: systemIds }
  const openNotes = (name: string) => openFilesystemMediaStore({ root: join(dataDir, 'orphans', name) })
  const keepMs = config.orphansKeptDays * MS_PER_DAY
  const access = new Access(ports)
  derivations = new Derivations({ ...ports, cacheMaxBytes: config.derivedCacheMaxBytes })
  await derivations.start()
  return {
    catalogue,
    mediaStore,
    access,
    derivations,
    projects: new Projects({ ...ports, access }),
    tokens: new Tokens({ ...ports, access }),
    publishTokens: new PublishTokens(ports),
    trunks: new Trunks(ports),
    recordings: new Recordings({ ...ports, derivations }),
    ingest: new Ingest({
      ...ports,
      sealing,
      limits: { sizeMaxBytes: config.uploadMaxBytes, concurrentMax: config.uploadConcurrentMax },
    }),
    playback: new Playback({ ...ports, derivations }),
    sealing,
    sweeping: new Sweeping({ ...ports, name: 'local', store: landing, cache, notes: await openNotes('local'), keepMs }),
    whereabouts: new Whereabouts(ports),
    ...(shared && {
      shared: {
        ...shared,
        sweeping: new Sweeping({
          ...ports,
          name: 'shared',
          store: shared.mediaStore,
          notes: await openNotes('shared'),
          keepMs,
          ageMinMs: SHARED_AGE_MIN_MS,
        }),
      },
    }),
    ...(nodes && {
      nodes,
      nodeKeeping: new NodeKeeping({ ...ports, nodes, lostAfterMs: config.nodeLostAfterSeconds * MS_PER_SECOND }),
    }),
    close: async () => {
      await sealing.close()
      await transcoder.close()
      await stores.close()
    },
  }
}
