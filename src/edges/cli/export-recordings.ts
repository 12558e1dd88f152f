import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project } from '../../domain/project.ts'
import { isFinal, type Recording } from '../../domain/recording.ts'
import { allRecordings } from '../../services/all-recordings.ts'
import type { Services } from '../../services/services.ts'
import { type RecordingLine, recordingLine } from './recording-line.ts'
import { openProgress, type Terminal } from './terminal.ts'

const IN_PROGRESS = 'is in progress; not exported'

/** The list of what an export holds, one {@link ExportedLine} a line. */
export const EXPORT_LIST = 'recordings.ndjson'

/** A recording and where its bytes are, relative to the export's folder; without bytes, there is no file. */
export interface ExportedLine extends RecordingLine {
  readonly file?: string
}

/** What to export, and where to. */
export interface TransferOptions {
  readonly services: Services
  readonly project: Project
  readonly folder: string
  readonly terminal: Terminal
}

/** How it went; `kept` were there from an earlier run, whole; `skipped` were in progress, and are for a later run. */
export interface ExportResult {
  exported: number
  kept: number
  readonly skipped: { readonly id: string; readonly why: string }[]
  readonly failed: { readonly id: string; readonly why: string }[]
}

/** Writes every recording of a project that is not in progress into a folder. Files are whole or absent, and the list is renamed into place last. */
export const exportRecordings = async (options: TransferOptions): Promise<ExportResult> => {
  const { services, project, folder, terminal } = options
  const list = await openList(folder)
  const result: ExportResult = { exported: 0, kept: 0, skipped: [], failed: [] }
  const progress = openProgress(terminal, await countOf(services, project))
  try {
    for await (const recording of allRecordings(services.catalogue, project.id)) {
      try {
        if (!isFinal(recording.status)) result.skipped.push({ id: recording.id, why: IN_PROGRESS })
        else await list.write(`${JSON.stringify(await exportOne(services, folder, recording, result))}\n`)
      } catch (error) {
        result.failed.push({ id: recording.id, why: error instanceof Error ? error.message : String(error) })
      }
      progress.advance(1, `${result.exported + result.kept} recordings`)
    }
    await list.sync()
  } finally {
    await list.close()
    progress.end()
  }
  await rename(join(folder, `${EXPORT_LIST}.part`), join(folder, EXPORT_LIST))
  return result
}

const openList = async (folder: string): Promise<FileHandle> => {
  try {
    await mkdir(join(folder, 'media'), { recursive: true })
    return await open(join(folder, `${EXPORT_LIST}.part`), 'w')
  } catch (error) {
    throw badFolder(folder, error)
  }
}

/** The refusal of a folder that cannot be read or written. */
export const badFolder = (folder: string, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'USAGE_INVALID',
    kind: 'invalid',
    message: `${folder} cannot be used as a folder: ${cause instanceof Error ? cause.message : cause}.`,
    cause,
  })

const countOf = async (services: Services, project: Project): Promise<number> => {
  let count = 0
  for await (const _recording of allRecordings(services.catalogue, project.id)) count += 1
  return count
}

const exportOne = async (
  services: Services,
  folder: string,
  recording: Recording,
  result: ExportResult,
): Promise<ExportedLine> => {
  // What its bytes are must be known before they are copied: an import compares.
  const sealed = await services.sealing.seal(recording)
  const { media } = sealed
  if (media?.sha256 === undefined) return recordingLine(sealed)
  const file = join('media', `${recording.id}.${media.format}`)
  if ((await hashOf(join(folder, file))) === media.sha256) result.kept += 1
  else {
    await copy(await services.mediaStore.read(media.key), join(folder, file), media.sha256)
    result.exported += 1
  }
  return { ...recordingLine(sealed), file }
}

/** A file's SHA-256, or undefined when there is none. */
export const hashOf = async (path: string): Promise<string | undefined> => {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
    return hash.digest('hex')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file, whole and with these bytes, or none. */
const copy = async (source: AsyncIterable<Uint8Array>, path: string, sha256: string): Promise<void> => {
  const part = `${path}.part`
  const hash = createHash('sha256')
  try {
    await using file = await open(part, 'w')
    for await (const chunk of source) {
      hash.update(chunk)
      await file.writeFile(chunk)
    }
    await file.sync()
    if (hash.digest('hex') !== sha256) throw new Error('its bytes are not those that were stored; see `poulsen verify`')
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await rename(part, path)
}
