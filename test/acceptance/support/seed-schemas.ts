/**
 * The schemas of the user's own document (get-relay-recording), written down by hand as JSON Schema. What they leave open
 * (additional properties, words of status and track) stays open here.
 */
const uuid = { type: 'string', format: 'uuid' }
const dateTime = { type: 'string', format: 'date-time' }
const text = { type: 'string' }

const recordingOf = (leg: string) => ({
  type: 'object',
  properties: {
    id: uuid,
    project_id: uuid,
    created_at: dateTime,
    updated_at: dateTime,
    duration_in_seconds: { type: 'integer' },
    error_code: text,
    price: { type: 'number' },
    price_unit: text,
    status: text,
    url: text,
    stereo: { type: 'boolean' },
    byte_size: { type: 'integer' },
    track: text,
    [leg]: uuid,
  },
  required: [
    'id',
    'project_id',
    'created_at',
    'updated_at',
    'duration_in_seconds',
    'price',
    'price_unit',
    'status',
    'url',
    'stereo',
    'track',
    leg,
  ],
})

const bare = (word: string) => ({
  type: 'object',
  properties: { error: { type: 'string', enum: [word] } },
  required: ['error'],
})

export const SEED_RECORDING = {
  oneOf: [recordingOf('relay_pstn_leg_id'), recordingOf('relay_sip_leg_id'), recordingOf('relay_webrtc_leg_id')],
}

const errorItem = {
  type: 'object',
  properties: { detail: text, status: text, title: text, code: text },
  required: ['detail', 'status', 'title', 'code'],
}

/** The body that each status of the seed has. */
export const SEED_ERRORS: Readonly<Record<number, object>> = {
  401: bare('Unauthorized'),
  404: bare('Not Found'),
  422: { type: 'object', properties: { errors: { type: 'array', items: errorItem } }, required: ['errors'] },
  500: bare('Internal Server Error'),
}

const link = { type: 'string', format: 'uri' }

/** The list of the sibling resources, with the seed's recordings in it. */
export const SEED_PAGE = {
  type: 'object',
  properties: {
    links: {
      type: 'object',
      properties: { self: link, first: link, next: link, prev: link },
      required: ['self', 'first'],
      additionalProperties: false,
    },
    data: { type: 'array', items: SEED_RECORDING },
  },
  required: ['links', 'data'],
}
