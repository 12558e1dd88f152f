import Type from 'typebox'
import { END_REASONS, GAPS_MAX } from '../../domain/call-details.ts'
import { MEDIA_FORMATS } from '../../domain/media-object.ts'
import { recordingSchemaWith } from '../http/recording-schema.ts'
import { UUID_SCHEMA } from '../http/schemas.ts'

const EXACT_TIME = Type.String({ format: 'date-time', description: 'UTC, milliseconds, Z.' })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const milliseconds = (description: string) => Type.Number({ minimum: 0, description })

const CALL_SCHEMA = Type.Object(
  {
    trunk_id: Type.Optional(UUID_SCHEMA),
    call_id: Type.String({ description: 'SIP Call-ID, as it came; of a WHIP session, its leg id.' }),
    from: Type.String({ description: 'SIP From, without parameters; of a WHIP session, the program that published.' }),
    to: Type.String({ description: 'SIP To, without parameters; of a WHIP session, the endpoint.' }),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'What the token to publish with was made with.' }),
    ),
    started_at: EXACT_TIME,
    answered_at: Type.Optional(EXACT_TIME),
    ended_at: Type.Optional(EXACT_TIME),
    end_reason: Type.Optional(Type.String({ enum: [...END_REASONS] })),
  },
  { additionalProperties: false, description: 'The call of a recording that was made live.' },
)

const STREAM_SCHEMA = Type.Object(
  {
    codec: Type.String({ description: 'RTP encoding name.' }),
    label: Type.Optional(Type.String({ description: 'SDP label, by which session metadata names the stream.' })),
    channel: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Channel of the recording that it is in; 0: left.' }),
    ),
    packets: count('Packets received.'),
    lost: count('Packets that never came.'),
    late: count('Packets that came after their place had been written.'),
    duplicated: count('Packets that came again.'),
    jitter_ms: milliseconds('Interarrival jitter (RFC 3550) at the end.'),
    jitter_max_ms: milliseconds('The same at its worst.'),
    ssrc_changes: count('How often the source changed.'),
    strangers: count('Packets of others, which are not in the audio.'),
    invalid: count('Packets that are no RTP, or of a payload type that nobody agreed on.'),
    unauthentic: Type.Optional(count('SRTP packets that failed authentication; absent for plain RTP.')),
    replayed: Type.Optional(count('SRTP packets that were replayed or too old; absent for plain RTP.')),
    gap_count: count('Gaps in the audio.'),
    gap_ms: milliseconds('All gaps together.'),
  },
  { additionalProperties: false },
)

const GAP_SCHEMA = Type.Object(
  {
    start_ms: milliseconds('Where in the recording.'),
    duration_ms: milliseconds('How long.'),
    stream: Type.Optional(count('Of which stream, counted from 0; absent where there is one.')),
  },
  { additionalProperties: false },
)

const QUALITY_SCHEMA = Type.Object(
  {
    streams: Type.Array(STREAM_SCHEMA),
    gaps: Type.Array(GAP_SCHEMA, { maxItems: GAPS_MAX, description: 'Silence for audio that never came; the first.' }),
  },
  { additionalProperties: false, description: 'How well the media of a live call came in.' },
)

/** A recording with all that is known of it. */
export const DETAILED_RECORDING_SCHEMA = recordingSchemaWith('detailed recording', {
  duration_ms: Type.Integer({ minimum: 0, description: 'Exact length.' }),
  codec: Type.Optional(Type.String({ description: 'As ffmpeg names it: pcm_s16le, opus, …' })),
  sample_rate_hz: Type.Optional(Type.Integer({ minimum: 1 })),
  channels: Type.Optional(Type.Integer({ minimum: 1 })),
  format: Type.Optional(Type.String({ enum: [...MEDIA_FORMATS] })),
  sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the bytes; absent until known.' })),
  call: Type.Optional(CALL_SCHEMA),
  quality: Type.Optional(QUALITY_SCHEMA),
})
