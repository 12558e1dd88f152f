import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

const STOP_MS = 5_000

/** A server of others that runs in the foreground. It goes when this process goes, however that ends. */
export class ServerProcess {
  readonly #child: ChildProcess

  /** Its output goes to `<folder>/<program>.log`. */
  constructor(folder: string, program: string, args: readonly string[]) {
    const log = openSync(join(folder, `${program.split('/').at(-1)}.log`), 'a')
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', log, log] })
    closeSync(log)
  }

  /** It hangs: connections stay, and nobody answers. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends it; kills it when it takes longer than five seconds. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }
}
