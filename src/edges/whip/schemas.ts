import Type from 'typebox'
import { ENDPOINT_PATTERN } from '../../domain/publish-token.ts'
import { bareErrorSchema, COMMON_ERRORS, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'

const TAGS = ['WebRTC']
const BEARER = [{ bearer: [] }]
const ENDPOINT = Type.Object({ endpoint: Type.String({ pattern: ENDPOINT_PATTERN }) })
const SESSION = Type.Object({ ...ENDPOINT.properties, session: Type.String() })
const REFUSED = VALIDATION_ERROR_SCHEMA
const ERRORS = {
  400: REFUSED,
  ...COMMON_ERRORS,
  408: REFUSED,
  413: REFUSED,
  415: REFUSED,
  422: REFUSED,
  503: REFUSED,
}

/** The documentation makes header fields of them; nothing else reads them. */
const CREATED_HEADERS = {
  Location: Type.String({ format: 'uri', description: 'The session.' }),
  ETag: Type.String({ description: 'Names its ICE session; a PATCH says it in If-Match.' }),
  'Accept-Patch': Type.Literal('application/trickle-ice-sdpfrag', { description: 'What a PATCH takes.' }),
  Link: Type.String({ description: 'ICE servers (`rel="ice-server"`), one for each, when there are any.' }),
}

/** The routes of WHIP as they are documented. */
export const POST_SCHEMA = {
  operationId: 'publish',
  summary: 'Publish audio over WebRTC (WHIP, RFC 9725) and record it',
  description:
    'The body is an SDP offer of audio in Opus, the answer an SDP answer. `Location` is the session; `ETag` names its ICE session; `Link` tells of ICE servers. The bearer is a project token with `calling`, or one made by `POST /v1/whip/tokens`.',
  security: BEARER,
  tags: TAGS,
  params: ENDPOINT,
  body: { content: { 'application/sdp': { schema: Type.String() } } },
  response: {
    201: {
      description: 'The SDP answer.',
      headers: CREATED_HEADERS,
      content: { 'application/sdp': { schema: Type.String() } },
    },
    ...ERRORS,
    429: REFUSED,
  },
}

export const PATCH_SCHEMA = {
  operationId: 'trickle',
  summary: 'Add ICE candidates to a WHIP session',
  description: 'ICE restarts are refused with 422; the session goes on.',
  security: BEARER,
  tags: TAGS,
  params: SESSION,
  body: { content: { 'application/trickle-ice-sdpfrag': { schema: Type.String() } } },
  response: {
    204: Type.Null({ description: 'Taken.' }),
    ...ERRORS,
    412: bareErrorSchema('Precondition Failed', 'If-Match names another ICE session.'),
    428: bareErrorSchema('Precondition Required', 'If-Match is missing.'),
  },
}

export const DELETE_SCHEMA = {
  operationId: 'unpublish',
  summary: 'End a WHIP session; its recording is final when this is answered',
  security: BEARER,
  tags: TAGS,
  params: SESSION,
  response: { 200: Type.Null({ description: 'Ended.' }), ...COMMON_ERRORS },
}

export const OPTIONS_SCHEMA = { hide: true }
