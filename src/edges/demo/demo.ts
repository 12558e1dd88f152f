import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess } from './server-process.ts'
import { walkTheApi } from './walk.ts'

/** What the demo runs and where it prints. */
export interface DemoOptions {
  /** Path of the program's own entry. */
  readonly main: string
  /** Path of a recorded call. */
  readonly call: string
  readonly print: (line: string) => void
}

/**
 * Starts a server on a temporary folder, puts a spoken recording in, walks the API, checks every answer, and leaves nothing behind.
 * Rejects at the first wrong answer.
 */
export const runDemo = async ({ main, call, print }: DemoOptions): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'poulsen-demo-'))
  const projectId = randomUUID()
  const token = `PT${randomBytes(24).toString('hex')}`
  try {
    const server = await startServerProcess(main, {
      POULSEN_DATA_DIR: dataDir,
      POULSEN_PORT: '0',
      POULSEN_SIP_LISTEN: 'none',
      POULSEN_LOG_LEVEL: 'warn',
      POULSEN_BOOTSTRAP_PROJECT_ID: projectId,
      POULSEN_BOOTSTRAP_TOKEN: token,
    })
    try {
      print(`A server on a temporary folder: ${server.url}`)
      const tell = (line: string) => print(`  ✓ ${line}`)
      await walkTheApi({ url: server.url, projectId, token, call: await readFile(call), tell })
    } finally {
      await server.stop()
    }
    print('Everything answered as it should.')
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}
