// What a capture thread runs: the main thread's questions on one side, a capture host over the capture folder on the other.
import { parentPort, workerData } from 'node:worker_threads'
import { openFilesystemDisk } from './adapters/filesystem/disk.ts'
import { CaptureHost } from './capture/capture-host.ts'
import { type FromWorker, type Question, toWireError, type WorkerData } from './capture/worker-messages.ts'

if (!parentPort) throw new Error('capture-worker.ts runs in a worker thread only')
const port = parentPort
const data = workerData as WorkerData
const send = (message: FromWorker): void => port.postMessage(message)

const host = new CaptureHost({ disk: await openFilesystemDisk(data.folder), data, send })
await host.open()

const answer = async ({ id, method, args }: Question): Promise<void> => {
  try {
    const call = host[method] as (...given: readonly unknown[]) => Promise<unknown>
    send({ type: 'answer', id, value: await call.apply(host, [...args]) })
  } catch (error) {
    send({ type: 'answer', id, error: toWireError(error) })
  }
  if (method === 'close') port.close()
}

port.on('message', (question: Question) => void answer(question))
