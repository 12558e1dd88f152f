import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Subject, startSubject, temporaryFolder } from './processes.ts'

/** A Poulsen over a data folder of its own, with the project and token that open it. */
export interface Installation {
  readonly dataDir: string
  readonly projectId: string
  readonly token: string
  readonly authorization: string
  start(environment?: Readonly<Record<string, string>>): Promise<Subject>
}

/** A fresh one; `more` are settings that it always has. */
export const install = (more: Readonly<Record<string, string>> = {}): Installation => {
  const dataDir = temporaryFolder()
  const projectId = randomUUID()
  const token = `PT${randomBytes(24).toString('hex')}`
  const settings = {
    POULSEN_PORT: '0',
    POULSEN_SIP_LISTEN: 'none',
    POULSEN_WEBRTC_LISTEN: 'none',
    POULSEN_DATA_DIR: dataDir,
    POULSEN_BOOTSTRAP_PROJECT_ID: projectId,
    POULSEN_BOOTSTRAP_TOKEN: token,
    ...more,
  }
  return {
    dataDir,
    projectId,
    token,
    authorization: `Basic ${Buffer.from(`${projectId}:${token}`).toString('base64')}`,
    start: (environment = {}) =>
      startSubject(['--max-semi-space-size=8', 'src/main.ts', 'serve'], { ...settings, ...environment }),
  }
}

/** Stores one recording; its JSON. */
export const upload = async (
  url: string,
  authorization: string,
  body: Uint8Array = readFileSync('assets/call.wav'),
): Promise<Record<string, unknown>> => {
  const headers = { authorization, 'content-type': 'audio/wav' }
  const response = await fetch(`${url}/v1/recordings`, { method: 'POST', headers, body: Buffer.from(body) })
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}
