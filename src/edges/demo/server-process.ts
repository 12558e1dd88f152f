import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { PoulsenError } from '../../domain/errors.ts'

const START_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 10_000
/** The two lines that say where: the second is absent when no calls are taken, and then the next line is empty. */
const LISTENING = /listening on (https?:\/\/\S+)\n(?:Calls are taken on udp:(\S+?)[,\n]|\s)/

/** A server of our own in a process of its own, as a user would run it. */
export interface ServerProcess {
  readonly url: string
  /** Where it takes calls over UDP, as `host:port`; absent when it takes none. */
  readonly sip?: string
  /** Asks it to stop and waits; the exit code. */
  stop(): Promise<number | null>
}

/** Starts `main serve` with these settings and waits until it says where it listens. Rejects with DEMO_FAILED and what it printed. */
export const startServerProcess = async (
  main: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> => {
  const child = spawn(process.execPath, [main, 'serve'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', (text: Buffer) => said.push(text.toString()))
  const where = await listening(child).catch((cause: unknown) => {
    child.kill('SIGKILL')
    throw new PoulsenError({
      code: 'DEMO_FAILED',
      kind: 'internal',
      message: `The server did not start: ${said.join('').trim() || 'it said nothing'}`,
      cause,
    })
  })
  return { ...where, stop: () => stop(child) }
}

const listening = (child: ChildProcess): Promise<Pick<ServerProcess, 'url' | 'sip'>> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), START_DEADLINE_MS)
    let printed = ''
    child.stdout?.on('data', (text: Buffer) => {
      printed += text.toString()
      const [, url, sip] = LISTENING.exec(printed) ?? []
      if (url === undefined) return
      clearTimeout(timer)
      resolve({ url, ...(sip !== undefined && { sip }) })
    })
    child.once('exit', (code) => reject(new Error(`exit code ${code}`)))
  })

const stop = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(STOP_DEADLINE_MS) })
  child.kill('SIGTERM')
  const [code] = (await exited) as [number | null]
  return code
}
