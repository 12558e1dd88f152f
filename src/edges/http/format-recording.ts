import { urlByteSizeOf } from '../../domain/media-object.ts'
import type { Project } from '../../domain/project.ts'
import type { LegType, Recording, RecordingStatus } from '../../domain/recording.ts'
import type { Playback } from '../../services/playback.ts'

/** Which words the wire uses for a status; see `POULSEN_STATUS_VOCABULARY`. */
export type StatusVocabulary = 'rest' | 'event'

const EVENT_WORDS: Partial<Record<RecordingStatus, string>> = { completed: 'finished', failed: 'error' }
const LEG_FIELDS = {
  pstn: 'relay_pstn_leg_id',
  sip: 'relay_sip_leg_id',
  webrtc: 'relay_webrtc_leg_id',
} as const satisfies Record<LegType, string>

const MS_PER_SECOND = 1000

/** UTC in whole seconds with `Z`, the API's only form of time; fractions are cut, not rounded. */
export const formatTime = (ms: number): string => {
  const time = new Date(ms)
  const year = String(time.getUTCFullYear()).padStart(4, '0')
  const date = `${year}-${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`
  return `${date}T${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}Z`
}

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)

/** Makes wire forms of recordings for one way of answering: where media lives for this client, and which status words it reads. */
export class RecordingFormatter {
  readonly #playback: Playback
  readonly #vocabulary: StatusVocabulary

  constructor(playback: Playback, vocabulary: StatusVocabulary) {
    this.#playback = playback
    this.#vocabulary = vocabulary
  }

  /**
   * The recording as the seed's schema has it, as JSON text. Fields that are not known are left out, never null. Written by hand because it is
   * in every answer and `JSON.stringify` took a fifth of a request: every string but the error code is an id, a fixed word or an origin, in which
   * nothing wants escaping.
   */
  format(project: Project, recording: Recording, origin: string): string {
    const { media, leg, errorCode, conferenceId } = recording
    const error = errorCode === undefined ? '' : `"error_code":${JSON.stringify(errorCode)},`
    const bytes = media && urlByteSizeOf(media)
    const byteSize = bytes === undefined ? '' : `"byte_size":${bytes},`
    const conference = conferenceId === undefined ? '' : `,"relay_conference_id":"${conferenceId}"`
    return (
      `{"id":"${recording.id}","project_id":"${recording.projectId}",` +
      `"created_at":"${formatTime(recording.createdAtMs)}","updated_at":"${formatTime(recording.updatedAtMs)}",` +
      `"duration_in_seconds":${Math.round(recording.durationMs / MS_PER_SECOND)},${error}` +
      `"price":${recording.price},"price_unit":"USD","status":"${this.#word(recording.status)}",` +
      `"url":"${origin}${this.#playback.mediaPath(project, recording)}","stereo":${media?.channels === 2},${byteSize}` +
      `"track":"${recording.track}","${LEG_FIELDS[leg.type]}":"${leg.id}"${conference}}`
    )
  }

  #word(status: RecordingStatus): string {
    return (this.#vocabulary === 'event' && EVENT_WORDS[status]) || status
  }
}
