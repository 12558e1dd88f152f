import { randomBytes } from 'node:crypto'
import { constants, copyFile, link, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from './folders.ts'
import { unfinishedName } from './paths.ts'

const PRIVATE_FILE = 0o600
const NONCE_BYTES = 6
/** Another file system, one without links, one where a file has as many as it may, or a file of another user. */
const CANNOT_LINK: ReadonlySet<string | undefined> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * Makes the file at `source`, which nobody changes any more, the object at `path` as well, durably, in a folder that exists: by a second name on one file system, by a copy of its
 * bytes across two. Throws the file system's errors: EEXIST when there is an object (not always across file systems: it is replaced by the same bytes then), ENOENT when there is no such file.
 */
export const shareFile = async (source: string, path: string): Promise<void> => {
  try {
    await link(source, path)
  } catch (error) {
    if (!CANNOT_LINK.has((error as NodeJS.ErrnoException).code)) throw error
    await copyDurably(source, path)
  }
  await syncFolder(dirname(path))
}

const copyDurably = async (source: string, path: string): Promise<void> => {
  const unfinished = join(dirname(path), unfinishedName(basename(path), randomBytes(NONCE_BYTES).toString('hex')))
  try {
    await copyFile(source, unfinished, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    const handle = await open(unfinished, 'r+')
    try {
      await handle.chmod(PRIVATE_FILE)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await unlink(unfinished).catch(() => {})
    throw error
  }
}
