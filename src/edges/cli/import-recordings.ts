import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project } from '../../domain/project.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Restored } from '../../services/ingest.ts'
import type { Services } from '../../services/services.ts'
import { badFolder, EXPORT_LIST, hashOf, type TransferOptions } from './export-recordings.ts'
import { parseSidecar, type Sidecar } from './sidecar.ts'
import { openProgress } from './terminal.ts'

const AUDIO = /\.(wav|mp3|ogg|opus|oga)$/i
/** Files that are stored at once, if uploads are not limited to fewer: enough to share commits, few enough to leave a running server room. */
const CONCURRENT = 4

/** How it went. */
export interface ImportResult {
  stored: number
  repeated: number
  readonly failed: { readonly file: string; readonly why: string }[]
}

/** One file to import and what is known of it. */
interface Item {
  readonly name: string
  /** Absent for a recording that ended without audio, which only an export can know of. */
  readonly path?: string
  readonly sidecar: Sidecar
}

/**
 * Stores every audio file below a folder. A file without an id in its sidecar gets one made from the project and its path, so that running the
 * import again stores nothing twice: that is also how it resumes. One bad file is reported and does not stop the others.
 */
export const importRecordings = async (options: TransferOptions): Promise<ImportResult> => {
  const { folder, terminal } = options
  const names = await namesIn(folder)
  const result: ImportResult = { stored: 0, repeated: 0, failed: [] }
  const progress = openProgress(terminal, names.length)
  const waiting = names.values()
  const worker = async () => {
    for (const { name, open } of waiting) {
      try {
        result[await importOne(options, await open())] += 1
      } catch (error) {
        if (!(error instanceof PoulsenError) && !(error as NodeJS.ErrnoException).code) throw error
        result.failed.push({ file: name, why: (error as Error).message })
      }
      progress.advance(1, name)
    }
  }
  const concurrent = Math.min(CONCURRENT, options.services.ingest.limits.concurrentMax)
  await Promise.all(Array.from({ length: concurrent }, worker))
  progress.end()
  return result
}

interface Listed {
  readonly name: string
  readonly open: () => Promise<Item>
}

const namesIn = async (folder: string): Promise<readonly Listed[]> => {
  try {
    return existsSync(join(folder, EXPORT_LIST)) ? await listed(folder) : await walked(folder)
  } catch (error) {
    throw badFolder(folder, error)
  }
}

/** What an export holds. A file's path must stay inside the folder. */
const listed = async (folder: string): Promise<readonly Listed[]> => {
  const lines = (await readFile(join(folder, EXPORT_LIST), 'utf8')).split('\n').filter(Boolean)
  return lines.map((line, index) => {
    const name = `${EXPORT_LIST}:${index + 1}`
    const open = async (): Promise<Item> => {
      const sidecar = parseSidecar(line, name)
      if (sidecar.file === undefined) return { name, sidecar }
      const path = resolve(folder, sidecar.file)
      if (!path.startsWith(resolve(folder) + sep)) throw invalid(`${name}: file is outside the folder`)
      return { name: sidecar.file, path, sidecar }
    }
    return { name, open }
  })
}

const walked = async (folder: string): Promise<readonly Listed[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && AUDIO.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  return paths.sort().map((path) => {
    const name = relative(folder, path)
    const open = async (): Promise<Item> => {
      const json = existsSync(`${path}.json`) ? await readFile(`${path}.json`, 'utf8') : undefined
      return { name, path, sidecar: json === undefined ? {} : parseSidecar(json, `${name}.json`) }
    }
    return { name, open }
  })
}

const importOne = async (options: TransferOptions, { name, path, sidecar }: Item): Promise<'stored' | 'repeated'> => {
  const { services, project } = options
  if (path === undefined) return importSilent(options, name, sidecar)
  const id = sidecar.id ?? derivedId(project, name)
  const { size, mtimeMs } = await stat(path)
  if (await isThere(services, project, id, size, path)) return 'repeated'
  const createdAtMs = sidecar.createdAtMs ?? Math.floor(mtimeMs)
  const restored = restoredOf(sidecar, createdAtMs)
  const { outcome } = await services.ingest.ingest({
    project,
    id,
    leg: { type: sidecar.legType ?? 'sip', id: sidecar.legId ?? derivedId(project, `leg ${name}`) },
    track: sidecar.track ?? 'both',
    ...(sidecar.conferenceId !== undefined && { conferenceId: sidecar.conferenceId }),
    startedAtMs: createdAtMs,
    ...(restored && { restored }),
    ...(sidecar.sha256 !== undefined && { sha256: sidecar.sha256 }),
    source: createReadStream(path) as AsyncIterable<Uint8Array>,
  })
  return outcome
}

/** A line without a file: complete for a recording that ended without audio, else wrong. */
const importSilent = async (
  options: TransferOptions,
  name: string,
  sidecar: Sidecar,
): Promise<'stored' | 'repeated'> => {
  const { id, createdAtMs, status, track, legType, legId, conferenceId } = sidecar
  const restored = createdAtMs === undefined ? undefined : restoredOf(sidecar, createdAtMs)
  const isComplete = id && track && legType && legId && restored && status !== 'completed'
  if (!isComplete) throw invalid(`${name}: there is no file`)
  const { outcome } = await options.services.ingest.restoreSilent({
    project: options.project,
    id,
    leg: { type: legType, id: legId },
    track,
    ...(conferenceId !== undefined && { conferenceId }),
    restored,
  })
  return outcome
}

/** The quick way through what an earlier run has stored: same id, same size, same bytes, without touching the media store. */
const isThere = async (
  { recordings }: Services,
  project: Project,
  id: Uuid,
  size: number,
  path: string,
): Promise<boolean> => {
  const media = (await recordings.find(project.id, id))?.media
  return media !== undefined && media.byteSize === size && media.sha256 === (await hashOf(path))
}

/** What only an export can know; without its `updated_at` the recording counts as new. */
const restoredOf = (sidecar: Sidecar, createdAtMs: number): Restored | undefined => {
  const { updatedAtMs, status, price, errorCode } = sidecar
  if (updatedAtMs === undefined || status === undefined || price === undefined) return undefined
  return { createdAtMs, updatedAtMs, status, price, ...(errorCode !== undefined && { errorCode }) }
}

/** A UUIDv8 (RFC 9562 §5.8) from the SHA-256 of project and name: the same file is the same recording, in every run. */
const derivedId = (project: Project, name: string): Uuid => {
  const bytes = createHash('sha256')
    .update(`${project.id} ${name.replaceAll(sep, '/')}`)
    .digest()
    .subarray(0, 16)
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const invalid = (message: string): PoulsenError =>
  new PoulsenError({ code: 'SIDECAR_INVALID', kind: 'invalid', message })
