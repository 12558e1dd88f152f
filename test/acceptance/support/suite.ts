import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { Client } from './client.ts'
import { makeCredentials, type RunningServer, startServer } from './server.ts'

/** A server on a folder of its own for one test file. */
export interface Suite {
  readonly client: Client
  readonly server: RunningServer
  readonly dataDir: string
}

/** Starts a server before the file's tests and removes everything after them. Read the result inside tests only. */
export const useServer = (environment: Readonly<Record<string, string>> = {}): Suite => {
  const dataDir = mkdtempSync(join(tmpdir(), 'poulsen-acceptance-'))
  const credentials = makeCredentials()
  let server: RunningServer
  let client: Client
  beforeAll(async () => {
    server = await startServer(dataDir, credentials, environment)
    client = new Client(server.url, credentials)
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return {
    dataDir,
    get client() {
      return client
    },
    get server() {
      return server
    },
  }
}

/** A token of the suite's project with these permissions, as an authorization header. */
export const tokenWith = async (
  client: Client,
  permissions: readonly string[],
): Promise<{ id: string; authorization: string }> => {
  const body = JSON.stringify({ name: 'test', permissions })
  const { json } = await client.ask({ method: 'POST', path: '/api/project/tokens', body })
  const { projectId } = client.credentials
  return {
    id: json.id as string,
    authorization: `Basic ${Buffer.from(`${projectId}:${json.token}`).toString('base64')}`,
  }
}
