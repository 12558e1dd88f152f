import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemDisk } from '../../src/adapters/filesystem/disk.ts'
import { openFilesystemMediaStore } from '../../src/adapters/filesystem/media-store.ts'
import { openSqliteCatalogue } from '../../src/adapters/sqlite/catalogue.ts'
import { systemClock } from '../../src/adapters/system/clock.ts'
import { systemIds } from '../../src/adapters/system/ids.ts'
import { CapturePool } from '../../src/capture/capture-pool.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { CaptureReport } from '../../src/ports/capture-telemetry.ts'
import { NO_TELEMETRY } from '../../src/ports/telemetry.ts'
import { aProject } from './values.ts'

/** What a test may want otherwise. */
export interface PoolOptions {
  readonly callsMax?: number
  readonly mediaTimeoutMs?: number
  readonly entry?: URL
  readonly rtpPorts?: { readonly first: number; readonly last: number }
}

/** Capture over a catalogue and a media store in a folder of their own, with one project. */
export const aCaptureBench = async (ports = { first: 42_000, last: 42_999 }) => {
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-capture-'))
  const project = aProject({ recordingPricePerMinute: 0.5 })
  const settled: Recording[] = []
  const reports: CaptureReport[] = []
  const troubles: unknown[] = []
  const telemetry = NO_TELEMETRY
  const catalogue = await openSqliteCatalogue({ path: join(folder, 'catalogue.sqlite'), telemetry })
  const mediaStore = await openFilesystemMediaStore({ root: join(folder, 'media') })
  await catalogue.createProject(project)

  const openPool = async (options: PoolOptions = {}): Promise<CapturePool> => {
    const pool = new CapturePool({
      entry: new URL('../../src/capture-worker.ts', import.meta.url),
      workers: 1,
      folder: join(folder, 'capture'),
      disk: await openFilesystemDisk(join(folder, 'capture')),
      catalogue,
      mediaStore,
      clock: systemClock,
      ids: systemIds,
      telemetry: {
        captureEnded: (report) => reports.push(report),
        captureRefused() {},
        captureRecovered() {},
        captureWorker() {},
      },
      rtpPorts: ports,
      rtpHost: undefined,
      callsMax: 10,
      callMaxMs: 60_000,
      mediaTimeoutMs: 30_000,
      diskReserveBytes: 0,
      onSettled: (recording) => settled.push(recording),
      onTrouble: (error) => troubles.push(error),
      ...options,
    })
    await pool.start()
    return pool
  }

  const bytesOf = async (key: string): Promise<Buffer> => {
    const chunks: Buffer[] = []
    for await (const chunk of await mediaStore.read(key)) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }

  const close = async (): Promise<void> => {
    await catalogue.close()
    rmSync(folder, { recursive: true, force: true })
  }

  return { folder, project, settled, reports, troubles, catalogue, mediaStore, openPool, bytesOf, close }
}
