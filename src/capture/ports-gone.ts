import { PoulsenError } from '../domain/errors.ts'

/** CAPTURE_BUSY: a call's media ports were closed meanwhile, by its end or with their worker. */
export const portsGone = (): PoulsenError =>
  new PoulsenError({
    code: 'CAPTURE_BUSY',
    kind: 'unavailable',
    message: 'The media ports of this call are gone.',
    hint: 'The call has ended, or its capture worker has; call again.',
  })
