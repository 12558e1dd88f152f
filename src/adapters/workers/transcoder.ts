import { Worker } from 'node:worker_threads'
import { PoulsenError } from '../../domain/errors.ts'
import type { TranscodeRequest, Transcoder } from '../../ports/transcoder.ts'
import { runJob } from './job.ts'

/** How large the pool is, and what its threads run. */
export interface TranscoderOptions {
  /** The module that a worker runs; it speaks the messages of messages.ts. */
  readonly entry: URL
  readonly workers: number
  /** Transcodings that may wait for a worker; more are refused. */
  readonly queueMax: number
}

/** A codec that runs wild ends its worker, not the server. */
const HEAP_MAX_MIB = 256

/** Opens a pool of threads; each starts when first needed. */
export const openTranscoder = (options: TranscoderOptions): Transcoder => new WorkerTranscoder(options)

class WorkerTranscoder implements Transcoder {
  readonly #options: TranscoderOptions
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #isClosed = false

  constructor(options: TranscoderOptions) {
    this.#options = options
  }

  async transcode(request: TranscodeRequest): Promise<{ readonly header?: Uint8Array }> {
    await this.#turn()
    let worker: Worker | undefined
    try {
      worker = this.#idle.pop() ?? this.#start()
      worker.ref()
      const result = await runJob(worker, request)
      worker.unref()
      this.#idle.push(worker)
      return result
    } catch (error) {
      // A worker that failed may hold half a job; a new one costs a few milliseconds.
      await worker?.terminate()
      throw error
    } finally {
      this.#busy -= 1
      this.#waiting.shift()?.()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#idle.length = 0
    // A job whose worker ends is rejected, and so, in their turn, are those that wait.
    await Promise.all([...this.#all].map((worker) => worker.terminate()))
  }

  async #turn(): Promise<void> {
    if (this.#isClosed) throw closed()
    if (this.#busy >= this.#options.workers && this.#waiting.length >= this.#options.queueMax) {
      throw busy(this.#options.queueMax)
    }
    if (this.#busy >= this.#options.workers) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy += 1
  }

  #start(): Worker {
    if (this.#isClosed) throw closed()
    const worker = new Worker(this.#options.entry, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MIB } })
    this.#all.add(worker)
    worker.once('exit', () => this.#all.delete(worker))
    return worker
  }
}

const busy = (queueMax: number) =>
  new PoulsenError({
    code: 'TRANSCODER_BUSY',
    kind: 'unavailable',
    message: `${queueMax} derivations are already waiting.`,
    hint: 'Try again in a moment, fetch the original format, or raise POULSEN_TRANSCODE_WORKERS.',
  })

const closed = () =>
  new PoulsenError({
    code: 'TRANSCODER_BUSY',
    kind: 'unavailable',
    message: 'No more derivations are made.',
    hint: 'The server is stopping.',
  })
