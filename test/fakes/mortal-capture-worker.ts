// The real capture worker, which dies when a file of this name appears in its folder.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import '../../src/capture-worker.ts'

const LOOK_EVERY_MS = 10
const order = join((workerData as { folder: string }).folder, 'die')

setInterval(() => {
  if (!existsSync(order)) return
  rmSync(order)
  throw new Error('told to die')
}, LOOK_EVERY_MS)
