import { PoulsenError } from '../../domain/errors.ts'
import {
  isEndpoint,
  PUBLISH_TOKEN_SECONDS_MAX,
  PUBLISHER_METADATA_MAX,
  type PublisherMetadata,
} from '../../domain/publish-token.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'

/** What a publish token is asked for with. */
export interface PublishTokenBody {
  readonly endpoint: string
  readonly lifeSeconds: number
  readonly legId?: Uuid
  readonly metadata: PublisherMetadata
}

const LIFE_SECONDS = 60

/** Reads the JSON body of `POST /v1/whip/tokens`. Throws BODY_INVALID that names the attribute. */
export const parsePublishTokenBody = (text: string): PublishTokenBody => {
  const { endpoint, expires_in: life = LIFE_SECONDS, leg_id: leg, metadata = {} } = readObject(text)
  if (typeof endpoint !== 'string' || !isEndpoint(endpoint))
    throw invalid('endpoint', 'up to 64 letters, digits and . _ ~ -')
  if (!Number.isInteger(life) || (life as number) < 1 || (life as number) > PUBLISH_TOKEN_SECONDS_MAX)
    throw invalid('expires_in', `a whole number of seconds from 1 to ${PUBLISH_TOKEN_SECONDS_MAX}`)
  const legId = typeof leg === 'string' ? parseUuid(leg) : undefined
  if (leg !== undefined && legId === undefined) throw invalid('leg_id', 'a UUID')
  if (!isMetadata(metadata))
    throw invalid('metadata', `an object of up to ${PUBLISHER_METADATA_MAX.entries} short names and texts`)
  return { endpoint, lifeSeconds: life as number, ...(legId !== undefined && { legId }), metadata }
}

const readObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {}
  throw invalid('body', 'a JSON object')
}

const isMetadata = (value: unknown): value is PublisherMetadata => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { entries: most, nameCharacters, valueCharacters } = PUBLISHER_METADATA_MAX
  const entries = Object.entries(value)
  return (
    entries.length <= most &&
    entries.every(
      ([name, text]) => name.length <= nameCharacters && typeof text === 'string' && text.length <= valueCharacters,
    )
  )
}

const invalid = (attribute: string, allowed: string): PoulsenError =>
  new PoulsenError({
    code: 'BODY_INVALID',
    kind: 'invalid',
    message: `${attribute} must be ${allowed}.`,
    details: { attribute },
  })
