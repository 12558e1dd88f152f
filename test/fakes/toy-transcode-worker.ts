// A transcoding thread that does what the source's first chunk says: echo it, crash, exit, fail, or hang until it is ended.
import { parentPort } from 'node:worker_threads'
import type { FromWorker, ToWorker } from '../../src/adapters/workers/messages.ts'

const send = (message: FromWorker) => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'start') send({ type: 'wanted' })
  if (message.type === 'taken') send({ type: 'done', header: Buffer.from('HEAD') })
  if (message.type !== 'chunk') return
  const word = Buffer.from(message.bytes).toString()
  if (word === 'crash') throw new Error('a codec ran wild')
  if (word === 'exit') process.exit(0)
  if (word === 'fail') send({ type: 'failed', message: 'no frames' })
  if (word.startsWith('echo')) send({ type: 'output', bytes: message.bytes })
})
