import type { Recording } from '../domain/recording.ts'
import type { CaptureTelemetry } from '../ports/capture-telemetry.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { Ids } from '../ports/ids.ts'
import type { MediaStore } from '../ports/media-store.ts'

/** What capture is made with. */
export interface CaptureOptions {
  /** The module that a worker thread runs. */
  readonly entry: URL
  readonly workers: number
  /** The capture folder, and a disk over it. */
  readonly folder: string
  readonly disk: Disk
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  readonly clock: Clock
  readonly ids: Ids
  readonly telemetry: CaptureTelemetry
  readonly rtpPorts: { readonly first: number; readonly last: number }
  /** Where media is received, whatever the door says. */
  readonly rtpHost: string | undefined
  readonly callsMax: number
  readonly callMaxMs: number
  readonly mediaTimeoutMs: number
  readonly diskReserveBytes: number
  /** A captured recording is final: its hash is to be computed. */
  readonly onSettled: (recording: Recording) => void
  /** Work in the background failed; it will be tried again. */
  readonly onTrouble: (error: unknown, what: string) => void
}
