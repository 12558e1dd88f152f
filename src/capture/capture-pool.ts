import { isIP } from 'node:net'
import type { EndReason } from '../domain/call-details.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { MetadataVersion } from '../domain/session-metadata.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { LiveMedia, LiveRecordings } from '../ports/live-recordings.ts'
import type { CallRecorder, CallRequest, RecordedCall, Reservation, StreamTerms } from './call-recorder.ts'
import type { CaptureOptions } from './capture-options.ts'
import { CaptureWorkerClient } from './capture-worker-client.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'
import { describeCall, describeRecording } from './describe-recording.ts'
import { DiskWatch } from './disk-watch.ts'
import { openGrowingFile } from './growing-file.ts'
import type { LiveCall, ReservedPlace } from './live-call.ts'
import { loopback } from './loopback.ts'
import { mixOf } from './media-format.ts'
import { shareOf } from './port-range.ts'
import { refused } from './refused.ts'
import { reserveSeparately } from './separate-recordings.ts'
import { Settlement } from './settlement.ts'
import { takeBackRow } from './take-back-row.ts'
import { fromWireError, toWireError } from './worker-messages.ts'

const RECOVER_AGAIN_MS = 30_000
/** A worker whose ticks come so late takes no more calls: it is about to lose packets of those that it has. */
const LAG_MAX_MS = 250

/**
 * Live capture as the main thread sees it: worker threads that receive and store, each with its own journal, and the rows of their recordings. Answers
 * the doors ({@link CallRecorder}) and playback ({@link LiveRecordings}).
 */
export class CapturePool implements CallRecorder, LiveRecordings {
  readonly #options: CaptureOptions
  readonly #settlement: Settlement
  readonly #diskWatch: DiskWatch
  readonly #workers: CaptureWorkerClient[] = []
  /** How late each worker's ticks came in the last second. */
  readonly #lagMs: number[] = []
  readonly #calls = new Map<number, LiveCall>()
  readonly #byRecording = new Map<Uuid, LiveCall>()
  #reserved = 0
  #handles = 0
  #runs = 0
  readonly #closing = new AbortController()
  #isStopping = false
  #recoverTimer: NodeJS.Timeout | undefined
  #recovering: Promise<void> = Promise.resolve()

  constructor(options: CaptureOptions) {
    this.#options = options
    this.#settlement = new Settlement(options)
    this.#diskWatch = new DiskWatch(options.disk, options.diskReserveBytes, () => this.#endAll('disk_full'))
  }

  /** Starts the workers and begins to recover what an earlier run left; calls may come at once. Rejects with MEDIA_… codes. */
  async start(): Promise<void> {
    await this.#diskWatch.start()
    for (let worker = 0; worker < this.#options.workers; worker += 1) this.#workers[worker] = this.#startWorker(worker)
    this.#recover()
  }

  get callCount(): number {
    return this.#calls.size
  }

  /** Resolves when what earlier runs left is recovered, or has to wait. */
  get recovered(): Promise<void> {
    return this.#recovering
  }

  async reserve(request: Parameters<CallRecorder['reserve']>[0]): Promise<Reservation> {
    if (!request.isSeparate) return this.#reserve(request)
    // All on one worker, which sees when the last of them falls silent.
    const worker = this.#admit()
    const reserve = (streamCount: number) => this.#reserve({ ...request, streamCount }, worker)
    const onTrouble = (error: unknown) => this.#options.onTrouble(error, 'separate recordings')
    return reserveSeparately({ reserve, onTrouble }, request.streamCount)
  }

  async #reserve(request: Parameters<CallRecorder['reserve']>[0], given?: CaptureWorkerClient): Promise<Reservation> {
    const worker = this.#admit(given)
    const handle = this.#nextHandle()
    this.#reserved += 1
    try {
      const { family } = request
      const address = request.isOnMachine ? loopback(family) : this.#addressFor(family, request.address)
      const ports = [...(await worker.ask('reserve', handle, address, family, request.streamCount))]
      return this.#reservation({ handle, worker, ports, address, family })
    } catch (error) {
      this.#reserved -= 1
      if (error instanceof PoulsenError) this.#options.telemetry.captureRefused(error.code)
      throw error
    }
  }

  async open(recordingId: Uuid): Promise<LiveMedia | undefined> {
    const call = this.#byRecording.get(recordingId)
    const snapshot = call && (await call.worker.ask('look', call.handle))
    return snapshot && openGrowingFile(this.#options.disk, snapshot)
  }

  list(): readonly { readonly projectId: Uuid; readonly id: Uuid }[] {
    return this.#byRecording
      .values()
      .filter(({ hasRow }) => hasRow)
      .map(({ projectId, recordingId }) => ({ projectId, id: recordingId }))
      .toArray()
  }

  async discard(recordingId: Uuid): Promise<void> {
    const call = this.#byRecording.get(recordingId)
    if (!call) return
    await call.worker.ask('discard', call.handle).catch((error: unknown) => this.#options.onTrouble(error, 'discard'))
    this.#forget(call, 'deleted')
  }

  /** From now on new calls are refused; resolves when the last one has ended, or after the deadline has ended the rest. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    const timer = setTimeout(() => this.#endAll('shutdown'), deadlineMs)
    await Promise.all([...this.#calls.values()].map(({ settled }) => settled.promise))
    clearTimeout(timer)
  }

  /** Ends everything that is left, and the workers. */
  async close(): Promise<void> {
    await this.drain(0)
    clearTimeout(this.#recoverTimer)
    this.#diskWatch.stop()
    this.#settlement.stop()
    this.#closing.abort()
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await this.#recovering
  }

  /** Where media is received: as configured, if that is of this family, else where the door says. */
  #addressFor(family: 4 | 6, asked: string | undefined): string {
    const { rtpHost } = this.#options
    if (rtpHost !== undefined && isIP(rtpHost) === family) return rtpHost
    return asked ?? loopback(family)
  }

  /** The worker for one more call: the one that is given, or in turn among those that keep up. Throws what {@link CallRecorder.reserve} rejects with. */
  #admit(given?: CaptureWorkerClient): CaptureWorkerClient {
    const able = this.#workers.filter((_, worker) => (this.#lagMs[worker] ?? 0) <= LAG_MAX_MS)
    const worker = given ?? able[this.#handles % Math.max(1, able.length)]
    const refusal = this.#refusal(worker)
    if (!refusal && worker) return worker
    this.#options.telemetry.captureRefused(refusal?.code ?? 'CAPTURE_BUSY')
    throw refusal
  }

  #refusal(worker: CaptureWorkerClient | undefined): PoulsenError | undefined {
    const { callsMax } = this.#options
    if (this.#isStopping) {
      return refused('CAPTURE_STOPPING', 'The server is stopping.', 'Call again later, or another server.')
    }
    if (this.#diskWatch.isLow) {
      return refused('CAPTURE_DISK_FULL', 'The disk is nearly full.', 'Make room, or lower POULSEN_DISK_RESERVE_BYTES.')
    }
    if (this.#calls.size + this.#reserved >= callsMax) {
      return refused('CAPTURE_BUSY', `${callsMax} calls are being recorded.`, 'Raise POULSEN_CALLS_MAX.')
    }
    return worker
      ? undefined
      : refused('CAPTURE_BUSY', 'Capture cannot keep up.', 'Give it more processors, or fewer calls.')
  }

  #nextHandle(): number {
    this.#handles += 1
    return this.#handles
  }

  #reservation(place: ReservedPlace): Reservation {
    const { handle, worker, ports } = place
    let isOpen = true
    const leave = () => {
      if (isOpen) this.#reserved -= 1
      isOpen = false
    }
    return {
      ports,
      addStream: async () => {
        const added = await worker.ask('addStream', handle, place.address, place.family)
        ports.push(added)
        return added
      },
      succeed: async () => {
        const successor = this.#nextHandle()
        await worker.ask('succeed', handle, successor)
        this.#reserved += 1
        return this.#reservation({ ...place, handle: successor })
      },
      begin: (call) => this.#begin(handle, worker, call).finally(leave),
      release: () => {
        leave()
        worker.ask('release', handle).catch((error: unknown) => this.#options.onTrouble(error, 'release'))
      },
    }
  }

  async #begin(handle: number, worker: CaptureWorkerClient, request: CallRequest): Promise<RecordedCall> {
    const { catalogue, ids, clock } = this.#options
    const { metadata, streams } = request
    const mix = mixOf(request)
    const recording = describeRecording(request, { mix, ids, nowMs: clock.nowMs() })
    const { id: recordingId, projectId, media } = recording
    const call: LiveCall = {
      handle,
      worker,
      recordingId,
      projectId,
      ended: Promise.withResolvers(),
      settled: Promise.withResolvers(),
      endAskedMs: undefined,
      hasRow: false,
    }
    const maxMs = Math.min(this.#options.callMaxMs, (request.maxSeconds ?? Number.POSITIVE_INFINITY) * 1000)
    const mediaKey = media?.key ?? ''
    const live: LiveRecording = {
      recordingId,
      projectId,
      mediaKey,
      streams,
      maxMs,
      ...(mix && { mix }),
      ...(request.group !== undefined && { group: request.group }),
    }
    this.#calls.set(handle, call)
    this.#byRecording.set(recordingId, call)
    try {
      await this.#options.mediaStore.prepare(live.mediaKey)
      await Promise.all([
        worker.ask('begin', handle, live, request.security),
        catalogue.createRecording(recording, describeCall(request, clock.nowMs()), metadata),
      ])
      call.hasRow = true
    } catch (error) {
      this.#forget(call, 'internal')
      const { onTrouble } = this.#options
      await worker.ask('discard', handle).catch((fault: unknown) => onTrouble(fault, 'begin'))
      await takeBackRow(projectId, recordingId, { catalogue, onTrouble, signal: this.#closing.signal })
      throw error
    }
    return {
      recordingId,
      update: (terms: StreamTerms) => {
        worker.ask('update', handle, terms).catch((error: unknown) => this.#options.onTrouble(error, 'update'))
      },
      appendMetadata: (version: MetadataVersion) => catalogue.appendMetadata(projectId, recordingId, version),
      end: (reason) => this.#end(call, reason),
      ended: call.ended.promise,
    }
  }

  #end(call: LiveCall, reason: EndReason): Promise<void> {
    if (call.endAskedMs === undefined) {
      call.endAskedMs = performance.now()
      call.worker.ask('end', call.handle, reason).catch((error: unknown) => this.#options.onTrouble(error, 'end'))
    }
    return call.settled.promise
  }

  #endAll(reason: EndReason): void {
    for (const call of this.#calls.values()) void this.#end(call, reason)
  }

  /** A recording's file is durable: now its row. Who asked for its end hears of it when both are. */
  async #settle(handle: number, media: CapturedMedia): Promise<void> {
    const call = this.#calls.get(handle)
    if (!call) return
    call.endAskedMs ??= performance.now()
    call.ended.resolve(media.reason)
    const settled = await this.#settlement.settleUntilDone(call.projectId, call.recordingId, media)
    if (settled) {
      const settleMs = performance.now() - call.endAskedMs
      const { reason, streams } = media
      this.#options.telemetry.captureEnded({ reason, status: settled.status, settleMs, streams })
    }
    this.#forget(call, media.reason)
    await call.worker.ask('settle', handle).catch((error: unknown) => this.#options.onTrouble(error, 'settle'))
  }

  #startWorker(worker: number): CaptureWorkerClient {
    const { entry, folder, workers, rtpPorts, mediaTimeoutMs, telemetry } = this.#options
    this.#runs += 1
    const run = `r${Date.now().toString(36)}${this.#runs.toString(36)}-${worker}`
    const data = { worker, folder, run, rtpPorts: shareOf(rtpPorts, worker, workers), mediaTimeoutMs }
    const client: CaptureWorkerClient = new CaptureWorkerClient(entry, data, {
      onEnded: ({ handle, media }) => void this.#settle(handle, media),
      onRecovered: ({ ticket, recording, media }) => void this.#settleRecovered(client, ticket, recording, media),
      onTrouble: ({ handle, error }) => this.#noteTrouble(fromWireError(error), handle),
      onStats: ({ type: _type, ...stats }) => {
        this.#lagMs[worker] = stats.lagMs
        telemetry.captureWorker({ worker, ...stats })
      },
      onGone: (error) => this.#replaceWorker(worker, client, error),
    })
    return client
  }

  /** Nobody waits for a recording whose file waits for the disk: the journal has it, and it becomes final later or with the next start. */
  #noteTrouble(error: PoulsenError, handle: number | undefined): void {
    this.#options.onTrouble(error, 'recording')
    const call = handle === undefined ? undefined : this.#calls.get(handle)
    call?.ended.resolve('internal')
    call?.settled.resolve()
  }

  /** A worker's fault ends its calls; what it had journaled is recovered like after a crash of the server. */
  #replaceWorker(worker: number, gone: CaptureWorkerClient, error: unknown): void {
    this.#options.onTrouble(error, 'capture worker')
    this.#workers[worker] = this.#startWorker(worker)
    this.#lagMs[worker] = 0
    for (const call of this.#calls.values()) if (call.worker === gone) call.ended.resolve('internal')
    this.#recover()
  }

  async #settleRecovered(
    worker: CaptureWorkerClient,
    ticket: number,
    recording: LiveRecording,
    media: CapturedMedia,
  ): Promise<void> {
    const { projectId, recordingId } = recording
    const outcome = this.#settlement.settle(projectId, recordingId, media).then(() => undefined, toWireError)
    const error = await outcome
    const call = this.#byRecording.get(recordingId)
    if (call && !error) this.#forget(call, 'internal')
    await worker
      .ask('settleRecovered', ticket, error)
      .catch((thrown: unknown) => this.#options.onTrouble(thrown, 'recovery'))
  }

  /** Recovers what runs that are gone have left, now, and until it has worked. */
  #recover(): void {
    clearTimeout(this.#recoverTimer)
    this.#recovering = this.#recovering.then(() => this.#recoverOnce())
  }

  async #recoverOnce(): Promise<void> {
    try {
      const living = this.#workers.map(({ run }) => run)
      const count = (await this.#workers[0]?.ask('recover', living)) ?? 0
      const strays = await this.#settleStrays()
      this.#options.telemetry.captureRecovered(count + strays)
    } catch (error) {
      if (this.#isStopping) return
      this.#options.onTrouble(error, 'recovery')
      this.#recoverTimer = setTimeout(() => this.#recover(), RECOVER_AGAIN_MS).unref()
    }
  }

  /** Rows that are not final and of which no journal knows: the crash came before anything of them was durable. */
  async #settleStrays(): Promise<number> {
    const { catalogue, clock } = this.#options
    const strays = (await catalogue.listUnsettled()).filter(({ id }) => !this.#byRecording.has(id))
    for (const { projectId, id } of strays) {
      const media = { reason: 'recovered' as const, endedAtMs: clock.nowMs(), durationMs: 0, streams: [], gaps: [] }
      await this.#settlement.settle(projectId, id, media)
    }
    return strays.length
  }

  #forget(call: LiveCall, reason: EndReason): void {
    this.#calls.delete(call.handle)
    this.#byRecording.delete(call.recordingId)
    call.ended.resolve(reason)
    call.settled.resolve()
  }
}
