import { PoulsenError } from '../../domain/errors.ts'
import { LEG_TYPES, type LegType, TRACKS, type Track } from '../../domain/recording.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import { parseDateTime } from '../../protocol/date-time.ts'

/** What a sender says of its audio, read and checked. */
export interface IngestQuery {
  readonly legType: LegType
  /** Absent: the recording gets a leg id of its own. */
  readonly legId?: Uuid
  readonly track: Track
  readonly conferenceId?: Uuid
  readonly startedAtMs?: number
}

type Query = Readonly<Record<string, unknown>>

const invalid = (name: string, allowed: string): PoulsenError =>
  new PoulsenError({
    code: 'QUERY_INVALID',
    kind: 'invalid',
    message: `Query parameter ${name} must be ${allowed}.`,
    details: { attribute: name },
  })

const optional = <T>(query: Query, name: string, allowed: string, parse: (text: string) => T | undefined) => {
  const text = query[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' ? parse(text) : undefined
  if (value === undefined) throw invalid(name, allowed)
  return value
}

const word = <T extends string>(query: Query, name: string, words: readonly T[]): T | undefined =>
  optional(query, name, `one of ${words.join(', ')}`, (text) => words.find((each) => each === text))

/** Reads `leg_type` (sip), `leg_id`, `track` (both), `conference_id` and `started_at`. Throws QUERY_INVALID that names the parameter. */
export const parseIngestQuery = (query: Query): IngestQuery => {
  const legId = optional(query, 'leg_id', 'a UUID', parseUuid)
  const conferenceId = optional(query, 'conference_id', 'a UUID', parseUuid)
  const startedAtMs = optional(query, 'started_at', 'a time such as 2026-01-31T12:00:00Z', parseDateTime)
  return {
    legType: word(query, 'leg_type', LEG_TYPES) ?? 'sip',
    ...(legId !== undefined && { legId }),
    track: word(query, 'track', TRACKS) ?? 'both',
    ...(conferenceId !== undefined && { conferenceId }),
    ...(startedAtMs !== undefined && { startedAtMs }),
  }
}
