import { Worker } from 'node:worker_threads'
import { PoulsenError } from '../domain/errors.ts'
import {
  type FromWorker,
  fromWireError,
  type Question,
  type WorkerData,
  type WorkerMethods,
} from './worker-messages.ts'

/** What happens in a worker without being asked for. */
export interface WorkerEvents {
  readonly onEnded: (message: Extract<FromWorker, { type: 'ended' }>) => void
  readonly onRecovered: (message: Extract<FromWorker, { type: 'recovered' }>) => void
  readonly onTrouble: (message: Extract<FromWorker, { type: 'trouble' }>) => void
  readonly onStats: (message: Extract<FromWorker, { type: 'stats' }>) => void
  /** The thread is gone, by a fault. */
  readonly onGone: (error: unknown) => void
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** A worker that does not answer a question within this time counts as lost. */
const ANSWER_DEADLINE_MS = 30_000
/** Rebuilding what a crash left takes as long as there is to read. */
const RECOVER_DEADLINE_MS = 3_600_000
const QUESTIONS_MAX = 20_000
/**
 * Room for what a thread has just made, of which little lives longer than a second. V8 would let it grow, step by step over half an hour, to 192 MiB, which looks like a
 * leak and is none; of these here it uses 16. Collecting so much oftener costs no more (docs/operating/figures.md).
 */
const YOUNG_MAX_MIB = 24

/** The main thread's end of a capture worker. */
export class CaptureWorkerClient {
  readonly run: string
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #isGone = false
  #isClosing = false

  constructor(entry: URL, data: WorkerData, events: WorkerEvents) {
    this.run = data.run
    this.#worker = new Worker(entry, { workerData: data, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MAX_MIB } })
    this.#worker.on('message', (message: FromWorker) => this.#take(message, events))
    const gone = (error: unknown) => {
      if (this.#isGone) return
      this.#isGone = true
      for (const { reject, timer } of this.#waiting.values()) {
        clearTimeout(timer)
        reject(lost(error))
      }
      this.#waiting.clear()
      if (!this.#isClosing) events.onGone(error)
    }
    this.#worker.on('error', gone)
    this.#worker.on('exit', (code) => gone(new Error(`a capture worker ended with code ${code}`)))
  }

  /** Asks the worker. Rejects with what it rejects with, or CAPTURE_LOST when it is gone or does not answer. */
  ask<M extends keyof WorkerMethods>(method: M, ...args: Parameters<WorkerMethods[M]>): ReturnType<WorkerMethods[M]> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#isGone || this.#waiting.size >= QUESTIONS_MAX) {
        reject(lost(undefined))
        return
      }
      this.#lastId += 1
      const id = this.#lastId
      const deadlineMs = method === 'recover' ? RECOVER_DEADLINE_MS : ANSWER_DEADLINE_MS
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(lost(new Error(`no answer to ${method}`)))
      }, deadlineMs)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#worker.postMessage({ id, method, args } satisfies Question)
    }) as ReturnType<WorkerMethods[M]>
  }

  /** Lets the worker close its journal and end. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (!this.#isGone) await this.ask('close').catch(() => {})
    await this.#worker.terminate()
  }

  #take(message: FromWorker, events: WorkerEvents): void {
    if (message.type === 'ended') events.onEnded(message)
    else if (message.type === 'recovered') events.onRecovered(message)
    else if (message.type === 'trouble') events.onTrouble(message)
    else if (message.type === 'stats') events.onStats(message)
    else this.#answer(message)
  }

  #answer({ id, value, error }: Extract<FromWorker, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error) waiting.reject(fromWireError(error))
    else waiting.resolve(value)
  }
}

const lost = (cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CAPTURE_LOST',
    kind: 'unavailable',
    message: 'A capture worker is gone.',
    hint: 'What it had recorded is recovered; new calls go to another.',
    cause,
  })
