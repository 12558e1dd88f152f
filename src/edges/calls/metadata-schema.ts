import Type, { type TProperties } from 'typebox'
import { UUID_SCHEMA } from '../http/schemas.ts'

const TIME = (description: string) =>
  Type.String({ format: 'date-time', description: `${description} UTC, milliseconds, Z.` })
const ID = Type.String({ description: 'As the session recording client writes it.' })
const SPELL = {
  started_at: TIME('When it began, as the client said, or when the document came.'),
  ended_at: Type.Optional(TIME('When it ended; absent while it goes on.')),
}
const IDENTIFIED = {
  id: ID,
  uuid: Type.Optional({
    ...UUID_SCHEMA,
    description: 'What the id stands for, where it is a UUID or the base64 of one.',
  }),
}
const text = (description: string) => Type.Optional(Type.String({ description }))
const list = (properties: TProperties, description: string) =>
  Type.Array(Type.Object({ ...properties, ...SPELL }, { additionalProperties: false }), { description })

const NAME = Type.Object(
  { aor: text('Address of record.'), name: text('Name to show.') },
  { additionalProperties: false },
)
const PARAM = Type.Object({ name: Type.String(), value: Type.String() }, { additionalProperties: false })

const ENTRY = Type.Object(
  {
    sequence: Type.Integer({ minimum: 1, description: 'Its place; `metadata.xml?sequence=` gives its bytes.' }),
    received_at: TIME('When it came.'),
    mode: Type.Optional(Type.String({ enum: ['complete', 'partial'], description: 'A snapshot, or changes to it.' })),
    byte_size: Type.Integer({ minimum: 0 }),
    reason: text('Why it cannot be read. It is kept all the same.'),
  },
  { additionalProperties: false },
)

/** What a session recording client has said of what is recorded (RFC 7865), over time. */
export const METADATA_SCHEMA = Type.Object(
  {
    recording_id: UUID_SCHEMA,
    groups: list(IDENTIFIED, 'Communication session groups.'),
    sessions: list(
      {
        ...IDENTIFIED,
        group_id: text('Its group.'),
        sip_session_ids: Type.Array(Type.String(), { description: 'RFC 7989.' }),
        reason: text('Why it ended.'),
      },
      'Communication sessions: the calls that are recorded.',
    ),
    participants: list({ ...IDENTIFIED, names: Type.Array(NAME) }, 'Who takes or took part.'),
    streams: list(
      {
        ...IDENTIFIED,
        session_id: text('Its session.'),
        label: text('`a=label` of its media line.'),
      },
      'Media streams.',
    ),
    session_recordings: list({ session_id: ID }, 'When each session was recorded.'),
    participant_sessions: list(
      { participant_id: ID, session_id: ID, params: Type.Optional(Type.Array(PARAM)) },
      'When each participant was in each session.',
    ),
    participant_streams: list(
      { participant_id: ID, stream_id: ID, direction: Type.String({ enum: ['send', 'recv'] }) },
      'When each participant sent or received each stream; a hold is a gap between two of these.',
    ),
    problems: Type.Array(Type.String(), { description: 'What in the documents is wrong, the first of it.' }),
    history: Type.Array(ENTRY, { description: 'The documents, oldest first.' }),
  },
  { additionalProperties: false, description: 'What is known of the participants of a recorded session.' },
)
