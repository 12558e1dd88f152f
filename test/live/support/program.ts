import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** How a program ended, and all that it printed. */
export interface ProgramRun {
  readonly code: number | null
  readonly output: string
}

const OUTPUT_MAX_CHARACTERS = 1_000_000

/** Runs a program to its end; one that has not ended by the deadline is killed, and the call rejects with what it had printed. */
export const runProgram = async (
  path: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly deadlineMs: number; readonly env?: NodeJS.ProcessEnv },
): Promise<ProgramRun> => {
  const { cwd, deadlineMs, env = process.env } = options
  const child: ChildProcess = spawn(path, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (text: Buffer) => {
    if (output.length < OUTPUT_MAX_CHARACTERS) output += text
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, deadlineMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  if (isLate) throw new Error(`${path} had not ended after ${deadlineMs} ms: ${output}`)
  return { code, output }
}
