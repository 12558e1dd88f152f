import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A process under measurement, on the first core, that has said where it listens. */
export interface Subject extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  readonly startMs: number
}

const folders: string[] = []
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone when the bench ends; on the disk that `BENCH_DIR` names, else the temporary one. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'poulsen-bench-'))
  folders.push(folder)
  return folder
}

/** Starts `node file …` on core 0 and waits for `listening on <url>`. */
export const startSubject = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Subject> => {
  const begunMs = performance.now()
  const child = spawn('taskset', ['-c', '0', process.execPath, ...args], {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await listening(child)
  return { url, pid: child.pid ?? 0, startMs: performance.now() - begunMs, [Symbol.asyncDispose]: () => stop(child) }
}

const listening = async (child: ChildProcess): Promise<string> => {
  let printed = ''
  if (!child.stdout) throw new Error('no output')
  for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += text
    const url = /listening on (\S+)/.exec(printed)?.[1]
    if (url !== undefined) {
      child.stdout.resume()
      return url
    }
  }
  throw new Error(`did not start: ${printed}`)
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
