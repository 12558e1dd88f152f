import type { FastifyRequest } from 'fastify'
import { PoulsenError } from '../../domain/errors.ts'
import { readText } from '../http/request-body.ts'
import { wrongType } from './refusals.ts'

const BODY_MAX_BYTES = 64 * 1024

/** Throws WHIP_TYPE_UNSUPPORTED for a body of another type. */
export const requireType = (request: FastifyRequest, wanted: string): void => {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== wanted) throw wrongType(wanted)
}

/**
 * A body of up to 64 KiB as text. Throws BODY_TOO_LARGE, to an honest client before it sends the body, and what reading throws: UPLOAD_IDLE when it has not
 * come as a whole within `idleMs`, UPLOAD_CUT_OFF.
 */
export const readBody = (request: FastifyRequest, idleMs: number): Promise<string> => {
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES) throw tooLarge()
  return readText(request.raw, BODY_MAX_BYTES, idleMs)
}

const tooLarge = (): PoulsenError =>
  new PoulsenError({
    code: 'BODY_TOO_LARGE',
    kind: 'too-large',
    message: `The body is larger than ${BODY_MAX_BYTES} bytes.`,
  })
