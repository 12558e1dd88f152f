import type { MediaFormat, MediaObject } from '../../domain/media-object.ts'
import type { Project } from '../../domain/project.ts'
import type { LegType, Recording, RecordingStatus, Track } from '../../domain/recording.ts'
import type { Permission, Token } from '../../domain/token.ts'

/** A value that SQLite holds. */
export type Cell = string | number | Uint8Array | null

/** The columns of recordings, in the order of {@link recordingCells} and {@link recordingOf}. */
export const RECORDING_COLUMNS = [
  'project_id',
  'id',
  'created_at_ms',
  'updated_at_ms',
  'duration_ms',
  'status',
  'error_code',
  'track',
  'leg_type',
  'leg_id',
  'conference_id',
  'price',
  'media_key',
  'byte_size',
  'sha256',
  'format',
  'codec',
  'sample_rate_hz',
  'channels',
  'wav_rate_hz',
  'wav_byte_size',
] as const

type RecordingCells = [
  projectId: string,
  id: string,
  createdAtMs: number,
  updatedAtMs: number,
  durationMs: number,
  status: RecordingStatus,
  errorCode: string | null,
  track: Track,
  legType: LegType,
  legId: string,
  conferenceId: string | null,
  price: number,
  mediaKey: string | null,
  byteSize: number | null,
  sha256: string | null,
  format: MediaFormat,
  codec: string,
  sampleRateHz: number,
  channels: number,
  wavRateHz: number | null,
  wavByteSize: number | null,
]

/** No media key has a dollar sign. */
const PROJECT_MARK = '$project'
const ID_MARK = '$id'

/** A media key usually has both ids in it, which the row has anyway: 70 bytes less a row, a quarter of the catalogue's pages. */
export const compactKey = (key: string, { projectId, id }: Pick<Recording, 'projectId' | 'id'>): string =>
  key.replace(projectId, PROJECT_MARK).replace(id, ID_MARK)

/** The key that {@link compactKey} has made shorter. */
export const fullKey = (compact: string, { projectId, id }: Pick<Recording, 'projectId' | 'id'>): string =>
  compact.replace(PROJECT_MARK, projectId).replace(ID_MARK, id)

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A recording as cells, in column order. */
export const recordingCells = (recording: Recording): Cell[] => {
  const { media, leg } = recording
  return [
    recording.projectId,
    recording.id,
    recording.createdAtMs,
    recording.updatedAtMs,
    recording.durationMs,
    recording.status,
    recording.errorCode ?? null,
    recording.track,
    leg.type,
    leg.id,
    recording.conferenceId ?? null,
    recording.price,
    media ? compactKey(media.key, recording) : null,
    media?.byteSize ?? null,
    media?.sha256 ?? null,
    media?.format ?? null,
    media?.codec ?? null,
    media?.sampleRateHz ?? null,
    media?.channels ?? null,
    media?.wav?.sampleRateHz ?? null,
    media?.wav?.byteSize ?? null,
  ]
}

/** A recording from its cells; arrays are read faster than objects with names, and spreads cost more than the read. */
export const recordingOf = (cells: unknown): Recording => {
  const row = cells as RecordingCells
  const [projectId, id, createdAtMs, updatedAtMs, durationMs, status, errorCode, track, legType] = row
  const recording: Mutable<Recording> = {
    id,
    projectId,
    createdAtMs,
    updatedAtMs,
    durationMs,
    status,
    track,
    leg: { type: legType, id: row[9] },
    price: row[11],
  }
  if (errorCode !== null) recording.errorCode = errorCode
  if (row[10] !== null) recording.conferenceId = row[10]
  if (row[12] !== null) recording.media = mediaOf(row, row[12])
  return recording
}

const mediaOf = (row: RecordingCells, compact: string): MediaObject => {
  const media: Mutable<MediaObject> = {
    key: fullKey(compact, { projectId: row[0], id: row[1] }),
    format: row[15],
    codec: row[16],
    sampleRateHz: row[17],
    channels: row[18],
    durationMs: row[4],
  }
  if (row[13] !== null) media.byteSize = row[13]
  if (row[14] !== null) media.sha256 = row[14]
  if (row[19] !== null)
    media.wav = row[20] === null ? { sampleRateHz: row[19] } : { sampleRateHz: row[19], byteSize: row[20] }
  return media
}

type ProjectCells = [string, string, number, number, number | null, number, string]

/** A project as cells: id, name, created, protect, ttl, price, media key. */
export const projectCells = (project: Project): Cell[] => [
  project.id,
  project.name,
  project.createdAtMs,
  project.protectRecordings ? 1 : 0,
  project.mediaUrlTtlSeconds ?? null,
  project.recordingPricePerMinute,
  project.mediaKey,
]

/** A project from its cells. */
export const projectOf = (cells: unknown): Project => {
  const [id, name, createdAtMs, protect, ttl, recordingPricePerMinute, mediaKey] = cells as ProjectCells
  return {
    id,
    name,
    createdAtMs,
    protectRecordings: protect === 1,
    ...(ttl !== null && { mediaUrlTtlSeconds: ttl }),
    recordingPricePerMinute,
    mediaKey,
  }
}

type TokenCells = [string, string, string, string, string, number]

/** A token as cells: project, id, name, permissions, digest, created. */
export const tokenCells = (token: Token): Cell[] => [
  token.projectId,
  token.id,
  token.name,
  token.permissions.join(' '),
  token.digest,
  token.createdAtMs,
]

/** A token from its cells. */
export const tokenOf = (cells: unknown): Token => {
  const [projectId, id, name, permissions, digest, createdAtMs] = cells as TokenCells
  return { projectId, id, name, permissions: permissions.split(' ') as Permission[], digest, createdAtMs }
}
