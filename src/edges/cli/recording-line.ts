import type { Recording } from '../../domain/recording.ts'

/** A recording with everything that is known of it, exact to the millisecond: what `--json` prints and a line of an export holds. */
export interface RecordingLine {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly duration_ms: number
  readonly status: string
  readonly error_code?: string
  readonly track: string
  readonly leg_type: string
  readonly leg_id: string
  readonly relay_conference_id?: string
  readonly price: number
  readonly format?: string
  readonly codec?: string
  readonly sample_rate_hz?: number
  readonly channels?: number
  /** Absent while the recording is in progress. */
  readonly byte_size?: number
  /** Absent until it was computed, which for a live call is soon after its end. */
  readonly sha256?: string
}

/** The line of a recording. */
export const recordingLine = (recording: Recording): RecordingLine => {
  const { media, leg, errorCode, conferenceId } = recording
  return {
    id: recording.id,
    created_at: new Date(recording.createdAtMs).toISOString(),
    updated_at: new Date(recording.updatedAtMs).toISOString(),
    duration_ms: recording.durationMs,
    status: recording.status,
    ...(errorCode !== undefined && { error_code: errorCode }),
    track: recording.track,
    leg_type: leg.type,
    leg_id: leg.id,
    ...(conferenceId !== undefined && { relay_conference_id: conferenceId }),
    price: recording.price,
    ...(media && {
      format: media.format,
      codec: media.codec,
      sample_rate_hz: media.sampleRateHz,
      channels: media.channels,
      ...(media.byteSize !== undefined && { byte_size: media.byteSize }),
      ...(media.sha256 !== undefined && { sha256: media.sha256 }),
    }),
  }
}
