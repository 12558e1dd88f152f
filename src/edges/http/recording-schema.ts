import Type, { type TProperties, type TSchema } from 'typebox'
import { RECORDING_STATUSES, TRACKS } from '../../domain/recording.ts'
import { UUID_SCHEMA } from './schemas.ts'

const TIME = Type.String({ format: 'date-time', description: 'UTC, whole seconds, Z.' })

const recordingSchema = (leg: string, title: string, more: TProperties): TSchema =>
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
      ...more,
    },
    { title, additionalProperties: false },
  )

/** A recording of exactly one kind of call leg, with fields beside the relay API's own. */
export const recordingSchemaWith = (noun: string, more: TProperties) =>
  Type.Unsafe<object>({
    oneOf: [
      recordingSchema('relay_pstn_leg_id', `PSTN ${noun}`, more),
      recordingSchema('relay_sip_leg_id', `SIP ${noun}`, more),
      recordingSchema('relay_webrtc_leg_id', `WebRTC ${noun}`, more),
    ],
    description: 'A recording is associated with exactly one call leg type (PSTN, SIP, or WebRTC).',
  })

/** A recording as the relay API has it. */
export const RECORDING_SCHEMA = recordingSchemaWith('recording', {})

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
