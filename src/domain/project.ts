import type { Uuid } from './uuid.ts'

/** A tenant: owns recordings and tokens, and decides how its media may be fetched. */
export interface Project {
  readonly id: Uuid
  readonly name: string
  readonly createdAtMs: number
  /** True: media needs Basic authentication and signed URLs are ignored. */
  readonly protectRecordings: boolean
  /** Seconds that a signed media URL stays valid; absent: until the recording is deleted. */
  readonly mediaUrlTtlSeconds?: number
  /** US dollars a begun minute. */
  readonly recordingPricePerMinute: number
  /** 64 hexadecimal digits; the HMAC key of this project's media URLs. Never leaves the server. */
  readonly mediaKey: string
}

/** What an operator may change about a project; `mediaUrlTtlSeconds: null` takes the limit away. */
export interface ProjectChanges {
  readonly name?: string
  readonly protectRecordings?: boolean
  readonly mediaUrlTtlSeconds?: number | null
  readonly recordingPricePerMinute?: number
}

const MS_PER_MINUTE = 60_000
const PRICE_DECIMALS = 6

/** What a recording of this length costs, in US dollars: minutes begun × price, rounded to a millionth. */
export const priceOf = (project: Project, durationMs: number): number =>
  Number((Math.ceil(durationMs / MS_PER_MINUTE) * project.recordingPricePerMinute).toFixed(PRICE_DECIMALS))
