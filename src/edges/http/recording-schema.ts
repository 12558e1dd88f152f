import Type, { type TSchema } from 'typebox'
import { RECORDING_STATUSES, TRACKS } from '../../domain/recording.ts'
import { UUID_SCHEMA } from './schemas.ts'

const TIME = Type.String({ format: 'date-time', description: 'UTC, whole seconds, Z.' })

const recordingSchema = (leg: string, words: string): TSchema =>
  Type.Object(
    {
      id: UUID_SCHEMA,
      project_id: UUID_SCHEMA,
      created_at: TIME,
      updated_at: TIME,
      duration_in_seconds: Type.Integer({ minimum: 0 }),
      error_code: Type.Optional(Type.String({ description: 'Why the recording is not simply complete.' })),
      price: Type.Number({ minimum: 0 }),
      price_unit: Type.Literal('USD'),
      status: Type.String({ enum: [...RECORDING_STATUSES, 'finished', 'error'] }),
      url: Type.String({ format: 'uri', description: 'Where the audio is; signed unless the project protects it.' }),
      stereo: Type.Boolean(),
      byte_size: Type.Optional(Type.Integer({ minimum: 0, description: 'Exactly what `url` serves.' })),
      track: Type.String({ enum: [...TRACKS] }),
      [leg]: UUID_SCHEMA,
      relay_conference_id: Type.Optional(UUID_SCHEMA),
    },
    { title: `${words} recording`, additionalProperties: false },
  )

/** A recording of exactly one kind of call leg. */
export const RECORDING_SCHEMA = Type.Unsafe<object>({
  oneOf: [
    recordingSchema('relay_pstn_leg_id', 'PSTN'),
    recordingSchema('relay_sip_leg_id', 'SIP'),
    recordingSchema('relay_webrtc_leg_id', 'WebRTC'),
  ],
  description: 'A recording is associated with exactly one call leg type (PSTN, SIP, or WebRTC).',
})

/** One page of recordings, newest first. */
export const RECORDING_PAGE_SCHEMA = Type.Object({
  links: Type.Object({
    self: Type.String({ format: 'uri' }),
    first: Type.String({ format: 'uri' }),
    next: Type.Optional(Type.String({ format: 'uri', description: 'Absent on the last page.' })),
    prev: Type.Optional(Type.String({ format: 'uri', description: 'Absent on the first page.' })),
  }),
  data: Type.Array(RECORDING_SCHEMA),
})
