import { hash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import Database from 'better-sqlite3'
import { openFilesystemMediaStore } from '../../../src/adapters/filesystem/media-store.ts'
import { openSqliteCatalogue } from '../../../src/adapters/sqlite/catalogue.ts'
import type { Recording } from '../../../src/domain/recording.ts'
import type { Catalogue } from '../../../src/ports/catalogue.ts'
import type { MediaStore } from '../../../src/ports/media-store.ts'
import { NO_TELEMETRY } from '../../../src/ports/telemetry.ts'
import { wavOf } from '../../acceptance/support/wav.ts'
import {
  aProject,
  aPublishToken,
  aRecording,
  aToken,
  aTrunk,
  someCallDetails,
  someCredentials,
  someMetadata,
} from '../../builders/values.ts'

const telemetry = NO_TELEMETRY
const AT_ONCE = 32
/** Far away: no sweeper takes such a token. */
const NEVER_MS = 4_000_000_000_000

/**
 * Fills the data folder of a stopped server with recordings of different sizes, some of them beginning in the same millisecond, some without audio, some with what is
 * known of their calls; and with tokens, trunks and another project.
 */
export const fillForMigration = async (dataDir: string, projectId: string, count: number): Promise<void> => {
  const catalogue = await openSqliteCatalogue({ path: join(dataDir, 'catalogue.sqlite'), telemetry })
  const mediaStore = await openFilesystemMediaStore({ root: join(dataDir, 'media') })
  const other = aProject({ name: 'Zoë "x"', protectRecordings: true, recordingPricePerMinute: 0.0025 })
  await catalogue.createProject(other)
  for (const id of [projectId, other.id]) await putSettings(catalogue, id)
  const numbers = Array.from({ length: count }, (_, index) => index).values()
  const worker = async () => {
    for (const number of numbers)
      await putRecording(catalogue, mediaStore, number % 50 === 49 ? other.id : projectId, number)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await catalogue.close()
}

const putSettings = async (catalogue: Catalogue, projectId: string): Promise<void> => {
  await catalogue.createToken(aToken(projectId, { permissions: ['calling', 'storage'] }))
  await catalogue.createTrunk(aTrunk(projectId, { credentials: someCredentials(), codecs: ['opus', 'PCMU'] }))
  await catalogue.createTrunk(aTrunk(projectId, { callMaxSeconds: 60, layout: 'mono' }))
  for (const isUsed of [true, false])
    await catalogue.createPublishToken(
      aPublishToken(projectId, { isUsed, expiresAtMs: NEVER_MS, metadata: { a: 'ß' } }),
    )
}

const putRecording = async (catalogue: Catalogue, store: MediaStore, projectId: string, number: number) => {
  const createdAtMs = 1_750_000_000_000 + (number >> 1) * 1000
  const { media, ...row } = aRecording(projectId, { createdAtMs, updatedAtMs: createdAtMs + number })
  if (number % 20 === 7) return catalogue.createRecording({ ...row, status: 'no_input' }, someCallDetails())
  const bytes = wavOf(number, 2_000 + 2 * ((number * 37) % 4_000))
  const writer = await store.open(media?.key ?? '')
  await writer.append(bytes)
  await writer.finalise()
  const recording: Recording = {
    ...row,
    ...(media && { media: { ...media, byteSize: bytes.length, sha256: hash('sha256', bytes) } }),
    ...(number % 30 === 1 && { errorCode: 'recovered', conferenceId: randomUUID() }),
  }
  if (number % 10 !== 3) return catalogue.createRecording(recording)
  await catalogue.createRecording(recording, someCallDetails(), someMetadata())
  for (let version = 0; version < number % 4; version += 1)
    await catalogue.appendMetadata(projectId, recording.id, someMetadata({ receivedAtMs: version }))
}

const TABLES = [
  'projects',
  'tokens',
  'publish_tokens',
  'trunks',
  'recordings',
  'call_details',
  'metadata_versions',
] as const

/** All rows of a catalogue in SQLite, by table, sorted; and every object of its media, by name, with its SHA-256. */
export const contentOfFolder = (dataDir: string): Readonly<Record<string, readonly string[]>> => {
  const database = new Database(join(dataDir, 'catalogue.sqlite'), { readonly: true })
  const rowsOf = (table: string) =>
    database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => JSON.stringify(row))
      .sort()
  const content = Object.fromEntries(TABLES.map((table) => [table, rowsOf(table)]))
  database.close()
  const media = join(dataDir, 'media')
  const files = readdirSync(media, { recursive: true, encoding: 'utf8' })
    .filter((name) => !basename(name).startsWith('.') && statSync(join(media, name)).isFile())
    .map((name) => `${name} ${hash('sha256', readFileSync(join(media, name)))}`)
  return { ...content, files: files.sort() }
}
