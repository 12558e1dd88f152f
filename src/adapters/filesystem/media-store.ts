import { randomBytes } from 'node:crypto'
import { type Dirent, readFileSync, writeFileSync } from 'node:fs'
import { lstat, opendir, statfs, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import type { ByteRange, LocalMediaStore, MediaKey, MediaStat, MediaWriter } from '../../ports/media-store.ts'
import { adoptFile } from './adopt-file.ts'
import { BufferPool } from './buffer-pool.ts'
import { openFileWriter } from './file-writer.ts'
import { Folders, syncFolder } from './folders.ts'
import { isUnfinished, keyOfPath, pathOfKey } from './paths.ts'
import { readFileInChunks } from './read-file.ts'
import { shareFile } from './share-file.ts'
import { translateError } from './translate-error.ts'

/** Where the store is. */
export interface FilesystemMediaStoreOptions {
  readonly root: string
}

/** How files lie in the folder; written into it, so that a program that knows only older layouts keeps its hands off. */
const LAYOUT = 1
const LAYOUT_FILE = '.layout'
/** Bytes of an object that are collected before they are written. */
const COLLECT_BYTES = 512 * 1024
const BUFFERS_KEPT_MAX = 16
const PROBE_KEY = 'readiness-probe'

/** Opens (creates) a media store in a folder. Rejects with MEDIA_LAYOUT_NEWER or MEDIA_UNAVAILABLE. */
export const openFilesystemMediaStore = async (options: FilesystemMediaStoreOptions): Promise<LocalMediaStore> => {
  const root = resolve(options.root)
  const folders = new Folders(root)
  try {
    await folders.ensure(root)
    requireLayout(join(root, LAYOUT_FILE))
    return new FilesystemMediaStore(root, folders)
  } catch (error) {
    throw translateError(error)
  }
}

const requireLayout = (path: string): void => {
  let found = LAYOUT
  try {
    found = Number(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    writeFileSync(path, `${LAYOUT}\n`)
  }
  if (found <= LAYOUT) return
  throw new PoulsenError({
    code: 'MEDIA_LAYOUT_NEWER',
    kind: 'unsupported',
    message: `The media folder has layout ${found}; this program knows layouts up to ${LAYOUT}.`,
    hint: 'Upgrade Poulsen, or give it another data folder.',
  })
}

class FilesystemMediaStore implements LocalMediaStore {
  readonly #root: string
  readonly #folders: Folders
  readonly #buffers = new BufferPool(COLLECT_BYTES, BUFFERS_KEPT_MAX)

  constructor(root: string, folders: Folders) {
    this.#root = root
    this.#folders = folders
  }

  pathOf(key: MediaKey): string {
    return pathOfKey(this.#root, key)
  }

  async open(key: MediaKey): Promise<MediaWriter> {
    const path = pathOfKey(this.#root, key)
    try {
      await this.#folders.ensure(dirname(path))
      return await openFileWriter(path, this.#buffers)
    } catch (error) {
      this.#folders.forget(dirname(path))
      throw translateError(error)
    }
  }

  async prepare(key: MediaKey): Promise<void> {
    const path = pathOfKey(this.#root, key)
    try {
      await this.#folders.ensure(dirname(path))
    } catch (error) {
      throw translateError(error)
    }
  }

  async adopt(key: MediaKey, source: string): Promise<void> {
    const path = pathOfKey(this.#root, key)
    try {
      await this.#folders.ensure(dirname(path))
      await adoptFile(source, path, this.#buffers)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw translateError(error)
      await this.#adoptInNewFolder(path, source)
    }
  }

  async share(key: MediaKey, source: string): Promise<void> {
    const path = pathOfKey(this.#root, key)
    try {
      await this.#folders.ensure(dirname(path))
      await shareFile(source, path)
    } catch (error) {
      throw translateError(error)
    }
  }

  async stat(key: MediaKey): Promise<MediaStat> {
    try {
      const found = await lstat(pathOfKey(this.#root, key))
      if (!found.isFile()) throw Object.assign(new Error('not a file'), { code: 'ENOENT' })
      return { key, byteSize: found.size, modifiedMs: found.mtimeMs }
    } catch (error) {
      throw translateError(error)
    }
  }

  async read(key: MediaKey, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return readFileInChunks(pathOfKey(this.#root, key), range, signal)
  }

  async remove(key: MediaKey): Promise<boolean> {
    const path = pathOfKey(this.#root, key)
    try {
      await unlink(path)
      await syncFolder(dirname(path))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw translateError(error)
    }
  }

  async *list(): AsyncGenerator<MediaStat> {
    for await (const path of walk(this.#root)) {
      const key = keyOfPath(this.#root, path)
      if (basename(path).startsWith('.')) continue
      const stat = await this.#statIfThere(key)
      if (stat) yield stat
    }
  }

  async sweepUnfinished(beforeMs: number): Promise<number> {
    let removed = 0
    for await (const path of walk(this.#root)) {
      if (!isUnfinished(basename(path))) continue
      const found = await lstat(path).catch(() => undefined)
      if (!found || found.mtimeMs >= beforeMs) continue
      await unlink(path).catch(() => {})
      removed += 1
    }
    return removed
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#root)
    return bavail * bsize
  }

  async check(): Promise<void> {
    const key = `${PROBE_KEY}-${randomBytes(4).toString('hex')}`
    const writer = await this.open(key)
    try {
      await writer.append(Buffer.from(PROBE_KEY))
      await writer.finalise()
    } finally {
      await writer.abort()
      await this.remove(key)
    }
  }

  /** The folder may have been taken away since it was made: a call's only file is not given up for that. */
  async #adoptInNewFolder(path: string, source: string): Promise<void> {
    try {
      this.#folders.forget(dirname(path))
      await this.#folders.ensure(dirname(path))
      await adoptFile(source, path, this.#buffers)
    } catch (error) {
      throw translateError(error)
    }
  }

  /** Undefined for what was removed since the folder was listed, and for names that are no keys. */
  async #statIfThere(key: MediaKey): Promise<MediaStat | undefined> {
    try {
      return await this.stat(key)
    } catch (error) {
      if (error instanceof PoulsenError && /^MEDIA_(NOT_FOUND|KEY_INVALID)$/.test(error.code)) return undefined
      throw error
    }
  }
}

/** Every file below a folder; symbolic links are not followed. */
async function* walk(folder: string): AsyncGenerator<string> {
  let entries: AsyncIterable<Dirent>
  try {
    entries = await opendir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw translateError(error)
  }
  for await (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) yield path
  }
}
