import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

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

/** Makes folders, durably, once. */
export class Folders {
  readonly #known = new Set<string>()
  /** One at a time: who finds a folder that another is just making must not take it for durable already. */
  #making: Promise<unknown> = Promise.resolve()

  /** Makes sure that a folder exists and will exist after loss of power, with every parent that had to be made. */
  async ensure(path: string): Promise<void> {
    if (this.#known.has(path)) return
    const made = this.#making.then(() => this.#make(path))
    this.#making = made.catch(() => {})
    await made
  }

  /** Forgets that a folder exists, after something outside took it away. */
  forget(path: string): void {
    this.#known.delete(path)
  }

  async #make(path: string): Promise<void> {
    if (this.#known.has(path)) return
    const firstMade = await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER })
    if (firstMade !== undefined) await syncUpTo(dirname(firstMade), dirname(path))
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.add(path)
  }
}

const syncUpTo = async (top: string, from: string): Promise<void> => {
  for (let path = from; path.length >= top.length; path = dirname(path)) {
    await syncFolder(path)
    if (path === top) return
  }
}
