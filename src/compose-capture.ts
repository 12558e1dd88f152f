import { extname } from 'node:path'
import { CapturePool } from './capture/capture-pool.ts'
import { type CapturePorts, captureFolder, openCaptureDisk } from './compose.ts'
import type { Config } from './ops/config.ts'
import type { CaptureTelemetry } from './ports/capture-telemetry.ts'

const MS_PER_SECOND = 1000

/** Who hears of live capture. */
export interface CaptureListeners {
  readonly telemetry: CaptureTelemetry
  readonly onTrouble: (error: unknown, what: string) => void
}

/** Prepares live capture over a data folder: gives what builds it once the ports are there. Rejects with MEDIA_UNAVAILABLE. */
export const prepareCapture = async (
  config: Config,
  listeners: CaptureListeners,
): Promise<(ports: CapturePorts) => CapturePool> => {
  const disk = await openCaptureDisk(config.dataDir)
  const folder = captureFolder(config.dataDir)
  return (ports) =>
    new CapturePool({
      ...ports,
      ...listeners,
      entry: new URL(`./capture-worker${extname(import.meta.filename)}`, import.meta.url),
      workers: config.captureWorkers,
      folder,
      disk,
      rtpPorts: config.rtpPorts,
      rtpHost: config.rtpHost,
      callsMax: config.callsMax,
      callMaxMs: config.callMaxSeconds * MS_PER_SECOND,
      mediaTimeoutMs: config.mediaTimeoutSeconds * MS_PER_SECOND,
      diskReserveBytes: config.diskReserveBytes,
    })
}
