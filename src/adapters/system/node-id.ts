import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'

const FILE = 'node-id'
const PRIVATE_FILE = 0o600

/** The id of the node that a data folder belongs to: what the folder holds, nobody else has. Made at the first start. Throws DATA_DIR_UNUSABLE. */
export const readNodeId = (dataDir: string): Uuid => {
  const path = join(dataDir, FILE)
  try {
    if (!existsSync(path)) writeNew(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, 'cannot be written', cause)
  }
  return parseUuid(readFileSync(path, 'utf8').trim()) ?? unusable(path, 'does not hold a UUID')
}

/** The name appears with the id in it: a kill in the midst leaves no file that nobody can start with. Throws EEXIST when there is one. */
const writeNew = (path: string): void => {
  const unfinished = `${path}.${randomUUID()}`
  const file = openSync(unfinished, 'wx', PRIVATE_FILE)
  try {
    writeSync(file, `${randomUUID()}\n`)
    fsyncSync(file)
    linkSync(unfinished, path)
  } finally {
    closeSync(file)
    unlinkSync(unfinished)
  }
}

const unusable = (path: string, why: string, cause?: unknown): never => {
  throw new PoulsenError({
    code: 'DATA_DIR_UNUSABLE',
    kind: 'unavailable',
    message: `${path} ${why}.`,
    hint: 'It names the node whose recordings are in this folder: bring it back, or remove the file when no other node has a copy of the folder.',
    cause,
  })
}
