import type { MetadataVersion } from '../../domain/session-metadata.ts'
import type { Uuid } from '../../domain/uuid.ts'
import { applyRsDocument } from '../../protocol/rs-metadata/apply-rs-document.ts'
import { parseRsMetadata } from '../../protocol/rs-metadata/parse-rs-metadata.ts'
import { activeSessions, labelsInOrder, needsSnapshot } from '../../protocol/rs-metadata/rs-queries.ts'
import { EMPTY_RS_STATE, type RsState } from '../../protocol/rs-metadata/rs-state.ts'
import { snapshotRequestType } from '../../protocol/rs-metadata/snapshot-request.ts'
import { parseContentType } from '../../protocol/sip/content-type.ts'
import { splitHeaderList } from '../../protocol/sip/header-list.ts'
import { headerOf, headersOf, type SipRequest } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { parseOptionTags } from '../../protocol/sip/option-tags.ts'
import { legIdOf, legIdOfSession } from './leg-id.ts'
import type { MetadataPart } from './session-body.ts'

/** The feature tag of a session recording client's Contact (RFC 7866 §5.1.1), and ours (§5.1.2). */
export const SRC_FEATURE = '+sip.src'
export const SRS_FEATURE = '+sip.srs'
/** The option tag of a recording session (RFC 7866 §11.1). */
export const SIPREC_TAG = 'siprec'

/** By what an INVITE shows that it begins a recording session. Strictly it has the first two (RFC 7866 §6.2); vendors forget now one, now the other. */
export interface SiprecSigns {
  readonly hasOptionTag: boolean
  readonly hasSrcFeature: boolean
  readonly hasMetadata: boolean
}

/** The signs that an INVITE has. */
export const siprecSignsOf = (request: SipRequest, metadata: MetadataPart | undefined): SiprecSigns => ({
  hasOptionTag: ['Require', 'Supported', 'Proxy-Require']
    .flatMap((name) => headersOf(request, name))
    .flatMap(parseOptionTags)
    .some((tag) => tag.toLowerCase() === SIPREC_TAG),
  hasSrcFeature: headersOf(request, 'Contact')
    .flatMap(splitHeaderList)
    .some((contact) => parseNameAddr(contact)?.parameters.has(SRC_FEATURE) ?? false),
  hasMetadata: metadata !== undefined,
})

/** Any sign will do: an ordinary phone has none of them. */
export const isRecordingSession = ({ hasOptionTag, hasSrcFeature, hasMetadata }: SiprecSigns): boolean =>
  hasOptionTag || hasSrcFeature || hasMetadata

/** What the metadata of one recording session (RFC 7865) says so far, as far as signalling wants to know. A document that cannot be read changes nothing. */
export class RecordingSession {
  readonly #callId: string
  /** What a request for a snapshot is called, for this client. */
  readonly snapshotRequestType: string
  #state: RsState = EMPTY_RS_STATE
  /** The last document that could be read was an update. */
  wasPartial = false

  /** `invite` begins the session. */
  constructor(invite: SipRequest) {
    this.#callId = headerOf(invite, 'Call-ID') ?? ''
    this.snapshotRequestType = snapshotRequestType(headersOf(invite, 'Accept'))
  }

  take({ xml, contentType, receivedAtMs }: MetadataVersion): void {
    const document = parseRsMetadata(xml, parseContentType(contentType)?.parameters.get('charset'))
    if ('reason' in document) return
    this.#state = applyRsDocument(this.#state, document, receivedAtMs)
    this.wasPartial = document.dataMode === 'partial'
  }

  /** The communication session that goes on; the first of several. */
  get sessionId(): string | undefined {
    return activeSessions(this.#state)[0]?.id
  }

  /** Whether a communication session goes on, be it one of several. */
  isActive(sessionId: string): boolean {
    return activeSessions(this.#state).some(({ id }) => id === sessionId)
  }

  /** Labels of the streams in the order of the participants that send them. */
  get labels(): readonly string[] {
    return labelsInOrder(this.#state)
  }

  /** There is a communication session, or nobody has said that there is none. */
  get hasSession(): boolean {
    return activeSessions(this.#state).length > 0 || !this.#state.hasSnapshot
  }

  /** A partial update spoke of what we do not know. */
  get needsSnapshot(): boolean {
    return needsSnapshot(this.#state)
  }

  /** The id of the call leg: the communication session's, else the Call-ID's. */
  get legId(): Uuid {
    const { sessionId } = this
    return sessionId === undefined ? legIdOf(this.#callId) : legIdOfSession(sessionId)
  }
}
