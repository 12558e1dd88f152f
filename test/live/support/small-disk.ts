import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const STEP_BYTES = 64 * 1024

/** A folder that is a file system of its own, in memory and of a known size, and ballast in it. Needs the right to mount. */
export class SmallDisk {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  mount(sizeMebibytes: number): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMebibytes}m`, 'poulsen-test', this.#folder])
  }

  unmount(): void {
    execFileSync('umount', [this.#folder])
  }

  /** Fills it until no more than that is free. */
  leaveFree(bytes: number): void {
    const available = execFileSync('df', ['--output=avail', '-B1', this.#folder]).toString().split('\n')[1]
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, Number(available) - bytes)), { flag: 'a' })
  }

  /** To the last page: others write at the same time, so what is free when one looks is not what is free when one writes. */
  leaveNothing(): void {
    const file = openSync(this.#ballast, 'a')
    try {
      for (;;) writeSync(file, Buffer.alloc(STEP_BYTES))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  /** Takes the ballast away. */
  clear(): void {
    rmSync(this.#ballast, { force: true })
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast')
  }
}
