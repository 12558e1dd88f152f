import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import { rsUuid } from '../../protocol/rs-metadata/rs-uuid.ts'
import { uuidV5 } from '../../services/uuid-v5.ts'

/** Our own namespace: the leg id of a Call-ID must never change, so neither may this. */
const CALL_ID_NAMESPACE: Uuid = '5d0c1f6e-9a43-4b7e-8f21-6c0e2b9d4a17'

/** The id of the call leg that a Call-ID names: itself when it is a UUID, also with `@host` behind it, else its UUIDv5. */
export const legIdOf = (callId: string): Uuid => {
  const at = callId.indexOf('@')
  return parseUuid(at < 0 ? callId : callId.slice(0, at)) ?? uuidV5(CALL_ID_NAMESPACE, callId)
}

/** The same for the id of a communication session, which RFC 7865 §6.10 writes in base64. */
export const legIdOfSession = (sessionId: string): Uuid => rsUuid(sessionId) ?? uuidV5(CALL_ID_NAMESPACE, sessionId)
