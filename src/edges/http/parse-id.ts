import { PoulsenError } from '../../domain/errors.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'

/** The id in a path, canonical. Throws ID_INVALID (422) in the contract's words when it is not a UUID. */
export const parseId = (text: string): Uuid => {
  const id = parseUuid(text)
  if (id) return id
  throw new PoulsenError({
    code: 'ID_INVALID',
    kind: 'invalid',
    message: 'Id is not a valid UUID',
    details: { attribute: 'id' },
  })
}
