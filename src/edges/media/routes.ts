import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { hasCode, PoulsenError } from '../../domain/errors.ts'
import { MEDIA_FORMATS, type MediaFormat } from '../../domain/media-object.ts'
import type { Project } from '../../domain/project.ts'
import type { Recording } from '../../domain/recording.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import { isAllowed } from '../../services/access.ts'
import type { Services } from '../../services/services.ts'
import { findCaller, unauthorized } from '../http/authenticate.ts'
import { COMMON_ERRORS, UUID_SCHEMA, VALIDATION_ERROR_SCHEMA } from '../http/schemas.ts'
import { askPeer } from './ask-peer.ts'
import { sendMedia } from './send-media.ts'

interface MediaRequest {
  Params: { projectId: string; file: string }
  Querystring: { sig?: unknown; exp?: unknown }
}

const URL_PATTERN = '/files/:projectId/recordings/:file'
const BINARY = { schema: Type.String({ format: 'binary' }) }
const AUDIO = { 'audio/wav': BINARY, 'audio/mpeg': BINARY, 'audio/ogg': BINARY }
const OUTCOMES = {
  200: { description: 'The audio; of a recording in progress, what there is now.', content: AUDIO },
  206: { description: 'The range of it that was asked for.', content: AUDIO },
  302: Type.Null({ description: 'With POULSEN_MEDIA_REDIRECT_SECONDS: it is in S3, at Location.' }),
  304: Type.Null({ description: 'Not changed.' }),
  412: Type.Null({ description: 'If-Match or If-Unmodified-Since does not hold.' }),
  416: Type.Null({ description: 'No such range; Content-Range has the size.' }),
}
const ERRORS = {
  ...COMMON_ERRORS,
  404: Type.Union([COMMON_ERRORS[404], VALIDATION_ERROR_SCHEMA], {
    description: 'There is no such recording, or it cannot be had in this format (yet); errors say which.',
  }),
  503: VALIDATION_ERROR_SCHEMA,
}
const FILE = new RegExp(`^([0-9a-f-]{36})\\.(${MEDIA_FORMATS.join('|')})$`, 'i')

/** A recording's media: what `url` points to, and the same audio in other containers. Of a recording in progress: what there is now. */
export const registerMedia = (app: FastifyInstance, services: Services): void => {
  const handler = async (request: FastifyRequest<MediaRequest>, reply: FastifyReply) => {
    const projectId = parseUuid(request.params.projectId)
    const [, name = '', format = ''] = FILE.exec(request.params.file) ?? []
    const id = parseUuid(name)
    const project = await authorise(services, request, projectId, id)
    if (!id) throw new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'There is no such file.' })
    const open = async (recording: Recording) => services.playback.open(recording, format.toLowerCase() as MediaFormat)
    const recording = await services.recordings.get(project.id, id)
    const holder = await services.whereabouts.elsewhere(recording)
    if (holder) return askPeer(request, reply, holder)
    const playable = await open(recording)
    try {
      return await sendMedia(request, reply, playable)
    } catch (error) {
      // A call may end between the look at its growing file and the reading of it.
      if (!playable.isGrowing || reply.raw.headersSent || !hasCode(error, 'MEDIA_NOT_FOUND')) throw error
      return sendMedia(
        request,
        reply.removeHeader('content-range'),
        await open(await services.recordings.get(project.id, id)),
      )
    }
  }

  const schema = {
    tags: ['Media'],
    security: [{ basic: [] }, {}],
    params: Type.Object({
      projectId: UUID_SCHEMA,
      file: Type.String({ description: '`<recording id>.wav`, `.mp3` or `.ogg`' }),
    }),
    querystring: Type.Object({
      sig: Type.Optional(Type.String({ description: "The capability in a recording's `url`." })),
      exp: Type.Optional(Type.String({ description: 'When it expires, in Unix seconds.' })),
    }),
    response: { ...OUTCOMES, ...ERRORS },
  }
  const config = { family: 'own' as const }
  app.route<MediaRequest>({
    method: 'GET',
    url: URL_PATTERN,
    config,
    handler,
    schema: { ...schema, operationId: 'get_recording_media', summary: "A recording's audio, with ranges" },
  })
  app.route<MediaRequest>({
    method: 'HEAD',
    url: URL_PATTERN,
    config,
    handler,
    schema: { ...schema, operationId: 'head_recording_media', summary: "The headers of a recording's audio" },
  })
}

/** The project, when the caller may hear this recording: by a good capability, or by Basic with `calling`. Else nobody learns what exists. */
const authorise = async (
  services: Services,
  request: FastifyRequest<MediaRequest>,
  projectId: Uuid | undefined,
  id: Uuid | undefined,
): Promise<Project> => {
  const { sig, exp } = request.query
  if (projectId && id && typeof sig === 'string') {
    const project = await services.projects.find(projectId)
    const capability = { sig, ...(typeof exp === 'string' && { exp }) }
    if (project && services.playback.isOpenedBy(project, id, capability)) return project
  }
  const caller = await findCaller(services.access, request)
  if (caller && caller.project.id === projectId && isAllowed(caller, 'calling')) return caller.project
  throw unauthorized()
}
