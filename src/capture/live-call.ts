import type { EndReason } from '../domain/call-details.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { MediaPorts } from './call-recorder.ts'
import type { CaptureWorkerClient } from './capture-worker-client.ts'

/** Ports of a call that is reserved, and where they are. */
export interface ReservedPlace {
  readonly handle: number
  readonly worker: CaptureWorkerClient
  readonly ports: MediaPorts[]
  readonly address: string
  readonly family: 4 | 6
}

/** A call that is being recorded, as the main thread knows it. */
export interface LiveCall {
  readonly handle: number
  readonly worker: CaptureWorkerClient
  readonly recordingId: Uuid
  readonly projectId: Uuid
  /** Resolves when it stops being recorded. */
  readonly ended: PromiseWithResolvers<EndReason>
  /** Resolves when its row is final. */
  readonly settled: PromiseWithResolvers<void>
  endAskedMs: number | undefined
  /** True once its row is committed. */
  hasRow: boolean
}
