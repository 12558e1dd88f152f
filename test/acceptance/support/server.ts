import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'

const START_DEADLINE_MS = 20_000

/** One data folder's credentials, the same over every restart. */
export interface Credentials {
  readonly projectId: string
  readonly token: string
  readonly authorization: string
}

/** Fresh credentials. */
export const makeCredentials = (): Credentials => {
  const projectId = randomUUID()
  const token = `PT${randomBytes(24).toString('hex')}`
  return { projectId, token, authorization: `Basic ${Buffer.from(`${projectId}:${token}`).toString('base64')}` }
}

/** A real server in a process of its own. */
export interface RunningServer {
  readonly url: string
  readonly pid: number
  /** Everything that it has printed, logs included. */
  output(): string
  /** Sends a signal and does not wait. */
  signal(signal: 'SIGTERM' | 'SIGINT'): void
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>
  /** SIGTERM, and waits; the exit code. */
  stop(): Promise<number | null>
}

/** Starts a server over a data folder and waits until it listens. Rejects with what it said when it does not. */
export const startServer = async (
  dataDir: string,
  credentials: Credentials,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningServer> => {
  const child = spawn(process.execPath, ['src/main.ts', 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      POULSEN_PORT: '0',
      // Many servers run side by side: only who takes calls listens for them.
      POULSEN_SIP_LISTEN: 'none',
      POULSEN_WEBRTC_LISTEN: 'none',
      POULSEN_LOG_LEVEL: 'warn',
      POULSEN_DATA_DIR: dataDir,
      POULSEN_BOOTSTRAP_PROJECT_ID: credentials.projectId,
      POULSEN_BOOTSTRAP_TOKEN: credentials.token,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const collect = (text: Buffer) => {
    printed += text
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const url = await listening(child)
  return {
    url,
    pid: child.pid ?? 0,
    output: () => printed,
    signal: (signal) => child.kill(signal),
    ended,
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
  }
}

const end = async (child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}

const listening = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let printed = ''
    const timer = setTimeout(() => {
      // Else it might start after all, with nobody to stop it.
      child.kill('SIGKILL')
      reject(new Error(`no start: ${printed}`))
    }, START_DEADLINE_MS)
    child.stderr?.on('data', (text: Buffer) => {
      printed += text
    })
    child.stdout?.on('data', (text: Buffer) => {
      printed += text
      const url = /listening on (\S+)/.exec(printed)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`exit code ${code}: ${printed}`))
    })
  })
