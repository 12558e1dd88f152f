import type { Trunk } from '../../domain/trunk.ts'
import { applyRsDocument } from '../../protocol/rs-metadata/apply-rs-document.ts'
import { parseRsMetadata } from '../../protocol/rs-metadata/parse-rs-metadata.ts'
import type { RsDocument, RsRefusal } from '../../protocol/rs-metadata/rs-document.ts'
import { EMPTY_RS_STATE, type RsState } from '../../protocol/rs-metadata/rs-state.ts'
import { rsUuid } from '../../protocol/rs-metadata/rs-uuid.ts'
import { splitHeaderList } from '../../protocol/sip/header-list.ts'
import { headerOf, headersOf, type SipRequest } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { type ExplainedStream, explainStreams } from '../../protocol/siprec/explained-streams.ts'
import type { ExplainedMetadata, ExplainedParty, Explanation } from '../../protocol/siprec/explanation.ts'
import { type InviteParts, metadataOf, type PartsRefusal, readInviteParts } from '../../protocol/siprec/invite-parts.ts'
import { type NoInvite, type PastedInvite, readPastedInvite } from '../../protocol/siprec/pasted-invite.ts'
import { type Remark, remarkIf } from '../../protocol/siprec/remark.ts'
import { remarksOnMedia } from '../../protocol/siprec/remarks-on-media.ts'
import { remarksOnMessage, remarksOnParts, transportOf } from '../../protocol/siprec/remarks-on-message.ts'
import { remarksOnMetadata } from '../../protocol/siprec/remarks-on-metadata.ts'
import { type ExplainedAnswer, explainAnswer } from './explain-answer.ts'
import { explainParticipants, explainRecordings } from './explain-recordings.ts'
import { shownSignsOf } from './explain-signs.ts'
import { codecsOf } from './media-session.ts'

/** The metadata of the INVITE, as far as it can be read. */
interface Told {
  readonly document: RsDocument | RsRefusal | undefined
  readonly state: RsState
}

/**
 * What the server makes of an INVITE (RFC 7866, RFC 7865): who, what would be answered and recorded, and what is unusual about it. Says why when the bytes are none.
 * The answer and the channels are those of the server's own negotiation. Pure but for the random keys that the negotiation makes and nobody sees.
 */
export const explainInvite = (
  bytes: Uint8Array,
  trunk: Pick<Trunk, 'layout' | 'codecs' | 'requiresSecureMedia'>,
): Explanation | NoInvite => {
  const terms = { ...trunk, codecs: codecsOf(trunk.codecs) }
  const pasted = readPastedInvite(bytes)
  if ('reason' in pasted) return pasted
  const { request } = pasted
  const parts = readInviteParts(request)
  const answer = explainAnswer(request, parts, terms)
  const told = readMetadata(parts)
  const streams = 'reason' in answer.offer ? [] : explainStreams(answer.offer, answer.session, terms)
  return {
    ...headOf(pasted),
    isSiprec: answer.isSession,
    signs: shownSignsOf(request, answer.signs),
    parts: 'reason' in parts ? [] : parts.parts.map(shownPart),
    ...(told.document && !('reason' in told.document) && { metadata: metadataOfDocument(told.document) }),
    participants: explainParticipants(told.state),
    streams,
    answer: { status: answer.status, ...(answer.reason !== undefined && { reason: answer.reason }) },
    layout: terms.layout,
    ...(answer.status === 200 && !answer.isWaiting && { legId: answer.legId }),
    isWaiting: answer.isWaiting,
    recordings: answer.status === 200 ? explainRecordings(answer, streams, told.state, terms.layout) : [],
    remarks: remarksOn(pasted, { parts, answer, told, streams }),
  }
}

const readMetadata = (parts: InviteParts | PartsRefusal): Told => {
  const [first] = 'reason' in parts ? [] : metadataOf(parts)
  const document = first && parseRsMetadata(first.body)
  if (!document || 'reason' in document) return { document, state: EMPTY_RS_STATE }
  return { document, state: applyRsDocument(EMPTY_RS_STATE, document, 0) }
}

const headOf = ({ request, byteSize }: PastedInvite) => {
  const transport = transportOf(request)
  const userAgent = headerOf(request, 'User-Agent')
  const from = partyOf(request, 'From')
  const to = partyOf(request, 'To')
  const contact = contactPartyOf(request)
  return {
    uri: request.uri,
    ...(transport !== undefined && { transport }),
    byteSize,
    callId: headerOf(request, 'Call-ID') ?? '',
    ...(userAgent !== undefined && { userAgent }),
    ...(from && { from }),
    ...(to && { to }),
    ...(contact && { contact }),
  }
}

const partyOf = (request: SipRequest, name: string): ExplainedParty | undefined => {
  const party = parseNameAddr(headerOf(request, name) ?? '')
  return party && { uri: party.uri, ...(party.displayName !== undefined && { name: party.displayName }) }
}

/** The first Contact, with the names of its feature tags (RFC 3840 §5). */
const contactPartyOf = (request: SipRequest): Explanation['contact'] => {
  const [first = ''] = headersOf(request, 'Contact').flatMap(splitHeaderList)
  const party = parseNameAddr(first)
  return party && { uri: party.uri, features: [...party.parameters.keys()] }
}

const shownPart = ({ type, disposition, body }: InviteParts['parts'][number]) => ({
  type,
  ...(disposition !== undefined && { disposition }),
  byteSize: body.length,
})

const metadataOfDocument = ({ dataMode, sessions }: RsDocument): ExplainedMetadata => ({
  dataMode,
  sessions: sessions.map(({ id }) => {
    const uuid = rsUuid(id)
    return { id, ...(uuid !== undefined && { uuid }) }
  }),
})

const remarksOn = (
  pasted: PastedInvite,
  found: {
    readonly parts: InviteParts | PartsRefusal
    readonly answer: ExplainedAnswer
    readonly told: Told
    readonly streams: readonly ExplainedStream[]
  },
): readonly Remark[] => {
  const { parts, answer, told, streams } = found
  const signs = shownSignsOf(pasted.request, answer.signs)
  const about = [
    ...answer.remarks,
    ...remarkIf(!answer.isSession, 'not_siprec', () => 'Nothing says that this is a recording session.'),
    ...remarkIf(answer.isSession && !signs.includes('+sip.src'), 'no_sip_src', () => 'The Contact has no +sip.src.'),
    ...remarkIf(answer.isSession && !signs.includes('Require'), 'no_option_tag', () => 'Require does not name siprec.'),
    ...remarksOnMessage(pasted),
    ...('reason' in parts ? [] : remarksOnParts(parts)),
  ]
  const media =
    'reason' in answer.offer
      ? []
      : remarksOnMedia({ offer: answer.offer, streams, transport: transportOf(pasted.request) })
  if (!answer.isSession || 'reason' in parts) return [...about, ...media]
  return [...about, ...remarksOnMetadata({ ...told, parts: metadataOf(parts), streams }), ...media]
}
