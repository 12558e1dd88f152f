import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'

const FILE = 'node-id'
const PRIVATE_FILE = 0o600

/** The id of the node that a data folder belongs to: what the folder holds, nobody else has. Made at the first start. Throws DATA_DIR_UNUSABLE. */
export const readNodeId = (dataDir: string): Uuid => {
  const path = join(dataDir, FILE)
  try {
    writeNew(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, 'cannot be written', cause)
  }
  return parseUuid(readFileSync(path, 'utf8').trim()) ?? unusable(path, 'does not hold a UUID')
}

const writeNew = (path: string): void => {
  const file = openSync(path, 'wx', PRIVATE_FILE)
  try {
    writeSync(file, `${randomUUID()}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
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
