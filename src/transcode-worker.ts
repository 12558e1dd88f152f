// What a transcoding thread runs: the pool's messages on one side, pure audio code on the other.
import { parentPort } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './adapters/workers/messages.ts'
import { transcode } from './audio/transcode/transcode.ts'

if (!parentPort) throw new Error('transcode-worker.ts runs in a worker thread only')
const port = parentPort
const send = (message: FromWorker): void => port.postMessage(message)

/** Takes the answer to what the running job last asked; a job asks one thing at a time. */
let answer: (message: ToWorker) => void = () => {}
const ask = (message: FromWorker): Promise<ToWorker> =>
  new Promise((resolve) => {
    answer = resolve
    send(message)
  })

async function* source(): AsyncGenerator<Uint8Array> {
  while (true) {
    const message = await ask({ type: 'wanted' })
    if (message.type !== 'chunk') return
    yield message.bytes
  }
}

const append = async (bytes: Uint8Array): Promise<void> => {
  await ask({ type: 'output', bytes })
}

const run = async ({ type: _type, ...conversion }: Extract<ToWorker, { type: 'start' }>): Promise<void> => {
  try {
    send({ type: 'done', ...(await transcode(conversion, source(), append)) })
  } catch (error) {
    send({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}

port.on('message', (message: ToWorker) => (message.type === 'start' ? void run(message) : answer(message)))
