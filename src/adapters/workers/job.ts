import type { Worker } from 'node:worker_threads'
import { PoulsenError } from '../../domain/errors.ts'
import type { TranscodeRequest } from '../../ports/transcoder.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** A derivation could not be made. */
export const transcodeFailed = (why: string, cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'TRANSCODE_FAILED',
    kind: 'corrupt',
    message: `The audio could not be transcoded: ${why}.`,
    hint: 'The original can still be fetched in its own format.',
    cause,
  })

/** Runs one transcoding on a worker that is free. Rejects with TRANSCODE_FAILED, or with what the source or the sink threw. */
export const runJob = (worker: Worker, request: TranscodeRequest): Promise<{ readonly header?: Uint8Array }> =>
  new Promise((resolve, reject) => {
    const chunks = request.source[Symbol.asyncIterator]()
    const send = (message: ToWorker) => worker.postMessage(message)

    const settle = (finish: () => void): void => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      void chunks.return?.()
      finish()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onError = (error: unknown) => fail(transcodeFailed('its worker broke', error))
    const onExit = () => fail(transcodeFailed('its worker ended'))

    const feed = async () => {
      const next = await chunks.next()
      send(next.done ? { type: 'end' } : { type: 'chunk', bytes: next.value })
    }
    const take = async (bytes: Uint8Array) => {
      await request.append(bytes)
      send({ type: 'taken' })
    }
    const onMessage = (message: FromWorker): void => {
      if (message.type === 'wanted') feed().catch(fail)
      else if (message.type === 'output') take(message.bytes).catch(fail)
      else if (message.type === 'failed') fail(transcodeFailed(message.message))
      else settle(() => resolve(message.header ? { header: message.header } : {}))
    }

    worker.on('message', onMessage)
    worker.once('error', onError)
    worker.once('exit', onExit)
    const { source: _source, append: _append, ...conversion } = request
    send({ type: 'start', ...conversion })
  })
