import { constants } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, sep } from 'node:path'

const PRIVATE_FOLDER = 0o700
/** Folders remembered as existing; beyond it the memory starts afresh. */
const KNOWN_MAX = 100_000

/** Makes what a folder lists durable: names that were linked or removed survive loss of power. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes folders, durably, once. Those of one parent at the same time: a thousand calls that begin together wait for few fsyncs. */
export class Folders {
  readonly #known = new Set<string>()
  /** Who finds a folder that another is just making waits for it: it is not durable yet. */
  readonly #making = new Map<string, Promise<void>>()
  readonly #below: string

  /** Folders below `top` are this program's own: one that is there already may be what a killed process made and did not make durable. */
  constructor(top?: string) {
    this.#below = top === undefined ? '\0' : top + sep
  }

  /** Makes sure that a folder exists and will exist after loss of power, with every parent that had to be made. Rejects with the file system's errors. */
  async ensure(path: string): Promise<void> {
    if (!this.#known.has(path)) await (this.#making.get(path) ?? this.#start(path))
  }

  /** Forgets that a folder exists, after something outside took it away, and maybe its parents. */
  forget(path: string): void {
    for (let each = path; this.#known.delete(each); ) each = dirname(each)
  }

  #start(path: string): Promise<void> {
    const made = this.#make(path).finally(() => this.#making.delete(path))
    this.#making.set(path, made)
    return made
  }

  async #make(path: string): Promise<void> {
    const isThere = await isFolder(path)
    if (!isThere || path.startsWith(this.#below)) {
      await this.ensure(dirname(path))
      // Another process may be as quick.
      if (!isThere) await mkdir(path, PRIVATE_FOLDER).catch(unlessThere)
      await syncFolder(dirname(path))
    }
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.add(path)
  }
}

const unlessThere = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error
}

/** False when there is nothing. Throws ENOTDIR for anything else than a folder. */
const isFolder = async (path: string): Promise<boolean> => {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' })
}
