import { PoulsenError } from '../../domain/errors.ts'
import {
  isFinal,
  LEG_TYPES,
  type LegType,
  RECORDING_STATUSES,
  type RecordingStatus,
  TRACKS,
  type Track,
} from '../../domain/recording.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import { parseDateTime } from '../../protocol/date-time.ts'

/** What a sidecar, or a line of an export, says of a recording. Everything may be missing. */
export interface Sidecar {
  readonly id?: Uuid
  readonly createdAtMs?: number
  readonly updatedAtMs?: number
  readonly status?: RecordingStatus
  readonly errorCode?: string
  readonly track?: Track
  readonly legType?: LegType
  readonly legId?: Uuid
  readonly conferenceId?: Uuid
  readonly price?: number
  readonly file?: string
  readonly sha256?: string
}

type Fields = Readonly<Record<string, unknown>>

/** Words that other systems, and the newer vocabulary of this API, have for our states. */
const OTHER_WORDS: Readonly<Record<string, RecordingStatus>> = { finished: 'completed', error: 'failed' }

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const uuid = (value: unknown): Uuid | undefined => (typeof value === 'string' ? parseUuid(value) : undefined)
const time = (value: unknown): number | undefined => (typeof value === 'string' ? parseDateTime(value) : undefined)
const amount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
const word =
  <T extends string>(words: readonly T[]) =>
  (value: unknown): T | undefined =>
    words.find((each) => each === value)
/** Only a final one: nobody would ever finish an imported recording that is still under way. */
const status = (value: unknown): RecordingStatus | undefined => {
  const found = word(RECORDING_STATUSES)(value) ?? OTHER_WORDS[String(value)]
  return found && isFinal(found) ? found : undefined
}

const READERS = {
  id: ['id', uuid],
  created_at: ['createdAtMs', time],
  updated_at: ['updatedAtMs', time],
  status: ['status', status],
  error_code: ['errorCode', text],
  track: ['track', word(TRACKS)],
  leg_type: ['legType', word(LEG_TYPES)],
  leg_id: ['legId', uuid],
  relay_conference_id: ['conferenceId', uuid],
  price: ['price', amount],
  file: ['file', text],
  sha256: ['sha256', text],
} as const satisfies Record<string, readonly [keyof Sidecar, (value: unknown) => unknown]>

/** Reads JSON text. Throws SIDECAR_INVALID that names the file and the field. Unknown fields are ignored, null is absent. */
export const parseSidecar = (json: string, name: string): Sidecar => {
  const fields = parseObject(json, name)
  const sidecar: Record<string, unknown> = legOf(fields, name)
  for (const [field, [property, read]] of Object.entries(READERS)) {
    if (fields[field] === undefined || fields[field] === null) continue
    const value = read(fields[field])
    if (value === undefined) throw invalid(`${name}: ${field} is not allowed to be ${JSON.stringify(fields[field])}`)
    sidecar[property] = value
  }
  return sidecar
}

/** The API's own form of the leg: one of three fields whose name is its type. */
const legOf = (fields: Fields, name: string): Record<string, unknown> => {
  const types = LEG_TYPES.filter((type) => (fields[`relay_${type}_leg_id`] ?? null) !== null)
  if (types.length > 1) throw invalid(`${name}: there may be only one relay leg id`)
  const [legType] = types
  if (!legType) return {}
  const legId = uuid(fields[`relay_${legType}_leg_id`])
  if (!legId) throw invalid(`${name}: relay_${legType}_leg_id is not a UUID`)
  return { legType, legId }
}

const parseObject = (json: string, name: string): Fields => {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw invalid(`${name}: not a JSON object`)
}

const invalid = (message: string): PoulsenError =>
  new PoulsenError({ code: 'SIDECAR_INVALID', kind: 'invalid', message })
