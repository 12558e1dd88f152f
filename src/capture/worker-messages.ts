import type { EndReason } from '../domain/call-details.ts'
import { type ErrorKind, PoulsenError } from '../domain/errors.ts'
import type { MediaPorts, StreamTerms } from './call-recorder.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'

/** What a capture worker is started with. */
export interface WorkerData {
  readonly worker: number
  readonly folder: string
  /** Names this run of this worker in the journal. */
  readonly run: string
  readonly rtpPorts: { readonly first: number; readonly last: number }
  readonly mediaTimeoutMs: number
}

/** A growing file as it is now. */
export interface Snapshot {
  readonly fileName: string
  readonly byteSize: number
  readonly head: Uint8Array
}

/** What a worker can be asked; each is answered once. A handle names a call within a worker's run. */
export interface WorkerMethods {
  reserve(handle: number, address: string, family: 4 | 6, streamCount: number): Promise<readonly MediaPorts[]>
  /** One more stream for a call that was reserved, begun or not. */
  addStream(handle: number, address: string, family: 4 | 6): Promise<MediaPorts>
  /** The ports of one call become another's, which may begin then. */
  succeed(handle: number, successor: number): Promise<void>
  release(handle: number): Promise<void>
  begin(handle: number, recording: LiveRecording, security: StreamTerms['security']): Promise<void>
  update(handle: number, terms: StreamTerms): Promise<void>
  /** Answered at once; the event `ended` follows. */
  end(handle: number, reason: EndReason): Promise<void>
  settle(handle: number): Promise<void>
  discard(handle: number): Promise<void>
  look(handle: number): Promise<Snapshot | undefined>
  /** Rebuilds what runs other than these left behind; an event `recovered` for each, answered by `settleRecovered`. The number of recordings. */
  recover(living: readonly string[]): Promise<number>
  settleRecovered(ticket: number, error?: WireError): Promise<void>
  close(): Promise<void>
}

/** One question to a worker. */
export interface Question {
  readonly id: number
  readonly method: keyof WorkerMethods
  readonly args: readonly unknown[]
}

/** What a worker says: an answer, or something that happened. */
export type FromWorker =
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: WireError }
  | { readonly type: 'ended'; readonly handle: number; readonly media: CapturedMedia }
  /** A journal or a file failed; the recording of `handle` is over and becomes final only when the disk lets it be rebuilt. */
  | { readonly type: 'trouble'; readonly handle?: number; readonly error: WireError }
  | {
      readonly type: 'recovered'
      readonly ticket: number
      readonly recording: LiveRecording
      readonly media: CapturedMedia
    }
  | {
      readonly type: 'stats'
      readonly sessions: number
      readonly packets: number
      readonly commits: number
      readonly commitMs: number
      readonly retainedBytes: number
      readonly lagMs: number
    }

/** An error between threads: its class would be lost. */
export interface WireError {
  readonly code: string
  readonly kind: ErrorKind
  readonly message: string
  readonly hint?: string
}

/** An error as it crosses between threads. */
export const toWireError = (error: unknown): WireError => {
  if (error instanceof PoulsenError) {
    const { code, kind, message, hint } = error
    return { code, kind, message, ...(hint !== undefined && { hint }) }
  }
  return {
    code: 'INTERNAL',
    kind: 'internal',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}

/** The error that crossed. */
export const fromWireError = (error: WireError): PoulsenError => new PoulsenError(error)
