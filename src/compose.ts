import { access, constants, mkdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { openFilesystemDisk } from './adapters/filesystem/disk.ts'
import { openFilesystemMediaStore } from './adapters/filesystem/media-store.ts'
import { openSqliteCatalogue } from './adapters/sqlite/catalogue.ts'
import { systemClock } from './adapters/system/clock.ts'
import { systemIds } from './adapters/system/ids.ts'
import { openTranscoder } from './adapters/workers/transcoder.ts'
import { PoulsenError } from './domain/errors.ts'
import type { Recording } from './domain/recording.ts'
import type { Config } from './ops/config.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { Clock } from './ports/clock.ts'
import type { Disk } from './ports/disk.ts'
import type { Ids } from './ports/ids.ts'
import type { LiveRecordings } from './ports/live-recordings.ts'
import type { MediaStore } from './ports/media-store.ts'
import type { Telemetry } from './ports/telemetry.ts'
import { Access } from './services/access.ts'
import { Derivations } from './services/derivations.ts'
import { Ingest } from './services/ingest.ts'
import { Playback } from './services/playback.ts'
import { Projects } from './services/projects.ts'
import { PublishTokens } from './services/publish-tokens.ts'
import { Recordings } from './services/recordings.ts'
import { Sealing } from './services/sealing.ts'
import type { Services } from './services/services.ts'
import { Sweeping } from './services/sweeping.ts'
import { Tokens } from './services/tokens.ts'
import { Trunks } from './services/trunks.ts'

const TRANSCODE_QUEUE_MAX = 64
/** Private: nobody but the server's own user reads recordings or digests from the disk. */
const PRIVATE_FOLDER = 0o700

/** For the command line, which reports to nobody. */
const SILENT: Telemetry = {
  uploadEnded() {},
  derivationEnded() {},
  catalogueWrite() {},
  mediaMoved() {},
  mediaNotMoved() {},
  sweepEnded() {},
}

/** For a process that records no calls. */
const NOTHING_LIVE: LiveRecordings = { open: async () => undefined, discard: async () => {} }

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

const openCatalogue = async ({ catalogue, dataDir }: Config, telemetry: Telemetry): Promise<Catalogue> => {
  if (catalogue === 'sqlite') return openSqliteCatalogue({ path: join(dataDir, 'catalogue.sqlite'), telemetry })
  // Loaded only when it is used.
  const { openPostgresCatalogue } = await import('./adapters/postgres/catalogue.ts')
  return openPostgresCatalogue({ url: catalogue, telemetry })
}

/** Builds the adapters over one data folder and hands them to the use cases. Rejects with one clear PoulsenError when the folder cannot serve. */
export const openServices = async (config: Config, options: ServicesOptions = {}): Promise<Services> => {
  const { dataDir } = config
  const { telemetry = SILENT, openCapture = () => NOTHING_LIVE } = options
  await ensureDataDir(dataDir)
  const mediaStore = await openFilesystemMediaStore({ root: join(dataDir, 'media') })
  const cache = await openFilesystemMediaStore({ root: join(dataDir, 'derived') })
  const catalogue = await openCatalogue(config, telemetry)
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
  const ports = { catalogue, mediaStore, live, cache, transcoder, telemetry, clock: systemClock, ids: systemIds }
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
    sweeping: new Sweeping(ports),
    close: async () => {
      await sealing.close()
      await transcoder.close()
      await catalogue.close()
    },
  }
}
