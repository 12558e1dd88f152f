import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Telemetry } from '../../ports/telemetry.ts'
import { unavailable } from '../sql/errors.ts'
import type { WriteStep } from '../sql/sql-driver.ts'
import { translateError } from './translate-error.ts'
import type { CommitReport, WriteRequest, WriterData } from './writer-messages.ts'

/** Writes that may wait; more are refused, so that a stalled disk cannot fill the memory. */
export const PENDING_MAX = 10_000
/** Writes that share a commit at most. */
export const GROUP_MAX = 512

/** Who hears of commits: `onCommit` before the writers do, `telemetry` how long it took. */
export interface WriterOptions {
  readonly telemetry: Telemetry
  readonly onCommit: () => void
}

interface Pending {
  readonly resolve: (row: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * The parent's end of the writer thread. While one group commits, what arrives is collected, and goes as the next group: under load
 * one fsync serves many writes, and without load none waits.
 */
export class Writer {
  readonly #worker: Worker
  readonly #options: WriterOptions
  readonly #pending = new Map<number, Pending>()
  readonly #queue: WriteRequest[] = []
  #isCommitting = false
  #lastId = 0
  #ended: unknown
  #drained: (() => void) | undefined

  constructor(path: string, options: WriterOptions) {
    this.#options = options
    const entry = new URL(`./writer-thread${extname(import.meta.filename)}`, import.meta.url)
    this.#worker = new Worker(entry, { workerData: { path } satisfies WriterData })
    this.#worker.on('message', (report: CommitReport) => this.#settle(report))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the writer thread has ended')))
    // An idle server may exit; accepted writes keep the process alive until they are settled.
    this.#worker.unref()
  }

  /** Does all steps or none. Resolves after the commit, with the row that the first step returned. Rejects with CATALOGUE_… codes. */
  write(...steps: readonly WriteStep[]): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(gone(this.#ended))
    if (this.#pending.size >= PENDING_MAX) return Promise.reject(tooMany())
    return new Promise((resolve, reject) => {
      this.#lastId += 1
      if (this.#pending.size === 0) this.#worker.ref()
      this.#pending.set(this.#lastId, { resolve, reject })
      this.#queue.push({ id: this.#lastId, steps })
      this.#send()
    })
  }

  /** Throws CATALOGUE_UNAVAILABLE when the thread is gone. */
  check(): void {
    if (this.#ended !== undefined) throw gone(this.#ended)
  }

  /** Waits for accepted writes, then ends the thread. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    const exited = once(this.#worker, 'exit')
    this.#ended = new Error('the catalogue is closed')
    this.#worker.ref()
    this.#worker.postMessage('close')
    await exited
  }

  #send(): void {
    if (this.#isCommitting || this.#queue.length === 0) return
    this.#isCommitting = true
    this.#worker.postMessage(this.#queue.splice(0, GROUP_MAX))
  }

  #settle({ seconds, results }: CommitReport): void {
    this.#isCommitting = false
    this.#send()
    this.#options.onCommit()
    this.#options.telemetry.catalogueWrite(seconds, results.length)
    for (const { id, row, error } of results) {
      const pending = this.#pending.get(id)
      this.#pending.delete(id)
      if (error) pending?.reject(translateError(Object.assign(new Error(error.message), { code: error.code })))
      else pending?.resolve(row)
    }
    if (this.#pending.size > 0) return
    this.#worker.unref()
    this.#drained?.()
  }

  #end(error: unknown): void {
    this.#ended ??= error
    for (const { reject } of this.#pending.values()) reject(gone(error))
    this.#pending.clear()
    this.#queue.length = 0
    this.#drained?.()
  }
}

const gone = (cause: unknown) =>
  unavailable('The catalogue takes no more writes.', 'Restart the server; the log says why it ended.', cause)

const tooMany = () =>
  unavailable(`${PENDING_MAX} writes are already waiting.`, 'Try again in a moment; the disk is slow.')
