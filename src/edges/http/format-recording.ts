import type { Project } from '../../domain/project.ts'
import type { LegType, Recording, RecordingStatus } from '../../domain/recording.ts'
import type { Playback } from '../../services/playback.ts'

/** Which words the wire uses for a status; see `POULSEN_STATUS_VOCABULARY`. */
export type StatusVocabulary = 'rest' | 'event'

/** A recording as the relay API shows it; exactly one `relay_*_leg_id`. */
export interface RelayRecording {
  readonly id: string
  readonly project_id: string
  readonly created_at: string
  readonly updated_at: string
  readonly duration_in_seconds: number
  readonly error_code?: string
  readonly price: number
  readonly price_unit: 'USD'
  readonly status: string
  readonly url: string
  readonly stereo: boolean
  readonly byte_size?: number
  readonly track: string
  readonly relay_pstn_leg_id?: string
  readonly relay_sip_leg_id?: string
  readonly relay_webrtc_leg_id?: string
  readonly relay_conference_id?: string
}

const EVENT_WORDS: Partial<Record<RecordingStatus, string>> = { completed: 'finished', failed: 'error' }
const LEG_FIELDS = {
  pstn: 'relay_pstn_leg_id',
  sip: 'relay_sip_leg_id',
  webrtc: 'relay_webrtc_leg_id',
} as const satisfies Record<LegType, keyof RelayRecording>

const MS_PER_SECOND = 1000

/** UTC in whole seconds with `Z`, the API's only form of time; fractions are cut, not rounded. */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** Makes wire forms of recordings for one way of answering: where media lives for this client, and which status words it reads. */
export class RecordingFormatter {
  readonly #playback: Playback
  readonly #vocabulary: StatusVocabulary

  constructor(playback: Playback, vocabulary: StatusVocabulary) {
    this.#playback = playback
    this.#vocabulary = vocabulary
  }

  /** The recording as the seed's schema has it. Fields that are not known are left out, never null. */
  format(project: Project, recording: Recording, origin: string): RelayRecording {
    const { media, leg, errorCode, conferenceId } = recording
    return {
      id: recording.id,
      project_id: recording.projectId,
      created_at: formatTime(recording.createdAtMs),
      updated_at: formatTime(recording.updatedAtMs),
      duration_in_seconds: Math.round(recording.durationMs / MS_PER_SECOND),
      ...(errorCode !== undefined && { error_code: errorCode }),
      price: recording.price,
      price_unit: 'USD',
      status: this.#word(recording.status),
      url: origin + this.#playback.mediaPath(project, recording),
      stereo: media?.channels === 2,
      ...(media && { byte_size: media.byteSize }),
      track: recording.track,
      [LEG_FIELDS[leg.type]]: leg.id,
      ...(conferenceId !== undefined && { relay_conference_id: conferenceId }),
    }
  }

  #word(status: RecordingStatus): string {
    return (this.#vocabulary === 'event' && EVENT_WORDS[status]) || status
  }
}
