import { splitHeaderList } from '../../protocol/sip/header-list.ts'
import { headersOf, type SipRequest } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { parseOptionTags } from '../../protocol/sip/option-tags.ts'
import type { SiprecSign } from '../../protocol/siprec/explanation.ts'
import { SIPREC_TAG, type SiprecSigns } from './recording-session.ts'

/** The feature tag of a recording client in drafts of RFC 7866; it alone makes no recording session. */
const DRAFT_FEATURE = 'src'

/** The signs of an INVITE by name: which of Require and Supported has the option tag, and the draft's feature tag. */
export const shownSignsOf = (request: SipRequest, signs: SiprecSigns): readonly SiprecSign[] => [
  ...(signs.hasSrcFeature ? (['+sip.src'] as const) : []),
  ...(hasDraftFeature(request) ? (['src'] as const) : []),
  ...(['Require', 'Supported'] as const).filter((name) => namesSiprec(request, name)),
  ...(signs.hasMetadata ? (['metadata'] as const) : []),
]

const hasDraftFeature = (request: SipRequest): boolean =>
  headersOf(request, 'Contact')
    .flatMap(splitHeaderList)
    .some((contact) => parseNameAddr(contact)?.parameters.has(DRAFT_FEATURE) ?? false)

const namesSiprec = (request: SipRequest, name: string): boolean =>
  headersOf(request, name)
    .flatMap(parseOptionTags)
    .some((tag) => tag.toLowerCase() === SIPREC_TAG)
