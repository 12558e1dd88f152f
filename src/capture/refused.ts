import { PoulsenError } from '../domain/errors.ts'

/** A call that is not taken for want of room, or because the server stops. */
export const refused = (code: string, message: string, hint: string): PoulsenError =>
  new PoulsenError({ code, kind: 'unavailable', message, hint })
