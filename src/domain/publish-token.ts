import type { Uuid } from './uuid.ts'

/**
 * What may be given to a browser so that it can publish one call (WHIP): good for one endpoint of one project, once, and not for long. Its secret is shown
 * once; only the digest is kept.
 */
export interface PublishToken {
  readonly projectId: Uuid
  readonly endpoint: string
  /** Lower-case hexadecimal SHA-256 of the secret. */
  readonly digest: string
  readonly expiresAtMs: number
  /** The call leg that the recording will belong to; without it, one of its own. */
  readonly legId?: Uuid
  /** Kept with the recording's call. */
  readonly metadata: PublisherMetadata
  /** It has been published with. */
  readonly isUsed: boolean
}

/** What an application says of a call that will be published: names and values of its own. */
export type PublisherMetadata = Readonly<Record<string, string>>

export const PUBLISHER_METADATA_MAX = { entries: 32, nameCharacters: 64, valueCharacters: 512 } as const
export const PUBLISH_TOKEN_SECONDS_MAX = 86_400

const SECRET = /^PW[0-9a-f]{48}$/
/**
 * The name of a WHIP endpoint, as JSON Schema writes patterns: up to 64 letters, digits and `.` `_` `~` `-`. Neither `.` nor `..`, which no URL can end
 * with (RFC 3986 §5.2.4).
 */
export const ENDPOINT_PATTERN = '^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,64}$'
const ENDPOINT = new RegExp(ENDPOINT_PATTERN)

/** True for `PW` followed by 48 lower-case hexadecimal digits, the form of every publish token's secret. */
export const isPublishTokenSecret = (text: string): boolean => SECRET.test(text)

/** True for what {@link ENDPOINT_PATTERN} describes. */
export const isEndpoint = (text: string): boolean => ENDPOINT.test(text)
