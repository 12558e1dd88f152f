import { constants, fdatasync, fstat, ftruncate, read, write } from 'node:fs'
import { open, readdir, statfs, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from '../../ports/disk.ts'
import { Folders, syncFolder } from './folders.ts'
import { pathOfKey } from './paths.ts'
import { translateError } from './translate-error.ts'

const PRIVATE_FILE = 0o600
const [syncFd, statFd, truncateFd] = [promisify(fdatasync), promisify(fstat), promisify(ftruncate)]

/** Opens the capture folder of a data folder; it is made when it is not there. Rejects with MEDIA_UNAVAILABLE. */
export const openFilesystemDisk = async (root: string): Promise<Disk> => {
  const disk = new FilesystemDisk(resolve(root))
  await disk.makeFolder('')
  return disk
}

class FilesystemDisk implements Disk {
  readonly #root: string
  readonly #folders = new Folders()

  constructor(root: string) {
    this.#root = root
  }

  create(name: string): Promise<DiskFile> {
    return this.#open(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL)
  }

  open(name: string): Promise<DiskFile> {
    return this.#open(name, constants.O_RDWR)
  }

  async remove(name: string): Promise<boolean> {
    try {
      await unlink(this.pathOf(name))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw translateError(error)
    }
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(join(this.#root, folder), { withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw translateError(error)
    }
  }

  makeFolder(folder: string): Promise<void> {
    return translated(this.#folders.ensure(join(this.#root, folder)))
  }

  syncFolder(folder: string): Promise<void> {
    return translated(syncFolder(join(this.#root, folder)))
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await translated(statfs(this.#root))
    return bavail * bsize
  }

  pathOf(name: string): string {
    return pathOfKey(this.#root, name)
  }

  async #open(name: string, flags: number): Promise<DiskFile> {
    const handle = await translated(open(this.pathOf(name), flags | constants.O_NOFOLLOW, PRIVATE_FILE))
    return new FilesystemFile(handle.fd, () => handle.close())
  }
}

const translated = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw translateError(error)
  }
}

/** By callbacks on the descriptor: a thousand recordings write every second, and a file handle's promises cost three times as much. */
class FilesystemFile implements DiskFile {
  readonly #fd: number
  readonly #close: () => Promise<void>

  constructor(fd: number, close: () => Promise<void>) {
    this.#fd = fd
    this.#close = close
  }

  write(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let done = 0
      const next = () => write(this.#fd, bytes, done, bytes.length - done, offsetBytes + done, written)
      const written = (error: Error | null, count: number) => {
        if (error) return reject(translateError(error))
        done += count
        if (done < bytes.length) next()
        else resolve()
      }
      next()
    })
  }

  async read(into: Uint8Array, offsetBytes: number): Promise<number> {
    let done = 0
    while (done < into.length) {
      const count = await this.#readSome(into.subarray(done), offsetBytes + done)
      if (count === 0) return done
      done += count
    }
    return done
  }

  truncate(byteSize: number): Promise<void> {
    return translated(truncateFd(this.#fd, byteSize))
  }

  async size(): Promise<number> {
    return (await translated(statFd(this.#fd))).size
  }

  sync(): Promise<void> {
    return translated(syncFd(this.#fd))
  }

  close(): Promise<void> {
    return translated(this.#close())
  }

  #readSome(into: Uint8Array, offsetBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, into, 0, into.length, offsetBytes, (error, count) =>
        error ? reject(translateError(error)) : resolve(count),
      )
    })
  }
}
