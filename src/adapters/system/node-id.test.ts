import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { readNodeId } from './node-id.ts'

const root = mkdtempSync(join(tmpdir(), 'poulsen-node-id-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Waits for its rival, then enters one folder after the other. */
const RACER = `
const { parentPort, workerData: { module, folders, gate } } = require('node:worker_threads')
const attempt = (work) => { try { return work() } catch (error) { return String(error) } }
import(module).then(({ readNodeId }) => {
  Atomics.add(gate, 0, 1)
  while (Atomics.load(gate, 0) < 2) {}
  parentPort.postMessage(folders.map((folder) => attempt(() => readNodeId(folder))))
})`

describe("a node's id", () => {
  it('is that of its folder, whoever enters it first', async () => {
    const folders = Array.from({ length: 50 }, (_, index) => join(root, String(index)))
    for (const folder of folders) mkdirSync(folder)
    const workerData = {
      module: new URL('./node-id.ts', import.meta.url).href,
      folders,
      gate: new Int32Array(new SharedArrayBuffer(4)),
    }
    const race = () =>
      new Promise<readonly string[]>((resolve, reject) => {
        new Worker(RACER, { eval: true, workerData }).once('message', resolve).once('error', reject)
      })
    const [one, other] = await Promise.all([race(), race()])
    expect(other).toEqual(one)
    expect(folders.map(readNodeId)).toEqual(one)
    for (const folder of folders) expect(readdirSync(folder)).toEqual(['node-id'])
  })

  it('is not made anew where the file does not say it', () => {
    const folder = join(root, 'damaged')
    mkdirSync(folder)
    writeFileSync(join(folder, 'node-id'), '')
    expect(() => readNodeId(folder)).toThrow(/does not hold a UUID/)
  })
})
