import { headerOf, headersOf, type SipHeaders, type SipRequest } from '../../protocol/sip/message.ts'
import { parseOptionTags } from '../../protocol/sip/option-tags.ts'
import { parseSessionExpires } from '../../protocol/sip/session-expires.ts'

/** Shortest session interval that is taken (RFC 4028 §4). */
export const SESSION_MIN_SECONDS = 90
/** Longest, and what is asked for when the peer asks for nothing: a dead call on hold is found out within it. */
export const SESSION_MAX_SECONDS = 1_800
/** Before the interval ends, who waits for a refresh hangs up: a third of it, or this at most (RFC 4028 §10). */
const MARGIN_MAX_SECONDS = 32

/** How a session is kept alive. `uac`: the peer refreshes; `uas`: we do. */
export interface SessionTerms {
  readonly intervalSeconds: number
  readonly refresher: 'uac' | 'uas'
}

/** Terms, undefined for a session that never expires, or a refusal of an interval below the minimum. */
export type SessionNegotiation = { readonly terms: SessionTerms | undefined } | { readonly minSeconds: number }

/**
 * What a UAS makes of the session timer of an INVITE or UPDATE (RFC 4028 §9). Refreshes of ours are UPDATEs, so a peer that would make us refresh
 * without knowing UPDATE gets a session without a timer.
 */
export const negotiateSession = (request: SipRequest): SessionNegotiation => {
  const tags = ['Supported', 'Require'].flatMap((name) => headersOf(request, name)).flatMap(parseOptionTags)
  const isSupported = tags.includes('timer')
  const asked = parseSessionExpires(headerOf(request, 'Session-Expires') ?? '')
  if (!asked && !isSupported) return { terms: undefined }
  if (asked && isSupported && asked.deltaSeconds < SESSION_MIN_SECONDS) return { minSeconds: SESSION_MIN_SECONDS }
  const refresher = (isSupported ? asked?.refresher : 'uas') ?? 'uac'
  if (refresher === 'uas' && !allowsUpdate(request)) return { terms: undefined }
  const floor = Math.max(SESSION_MIN_SECONDS, parseSessionExpires(headerOf(request, 'Min-SE') ?? '')?.deltaSeconds ?? 0)
  const wanted = Math.min(asked?.deltaSeconds ?? SESSION_MAX_SECONDS, Math.max(SESSION_MAX_SECONDS, floor))
  return { terms: { intervalSeconds: Math.max(wanted, asked ? 1 : floor), refresher } }
}

/** The headers that tell the peer of the terms; it must know the timer when it is the one to refresh (RFC 4028 §9). */
export const sessionHeaders = (terms: SessionTerms | undefined): SipHeaders => {
  if (!terms) return []
  const expires = ['Session-Expires', `${terms.intervalSeconds};refresher=${terms.refresher}`] as const
  return terms.refresher === 'uac' ? [expires, ['Require', 'timer']] : [expires]
}

/** When a session that nobody has refreshed is given up, in milliseconds from the last refresh. */
export const expiryMs = ({ intervalSeconds }: SessionTerms): number =>
  (intervalSeconds - Math.min(MARGIN_MAX_SECONDS, intervalSeconds / 3)) * 1_000

/** When we refresh, in milliseconds from the last refresh: halfway (RFC 4028 §7.2). */
export const refreshMs = ({ intervalSeconds }: SessionTerms): number => intervalSeconds * 500

const allowsUpdate = (request: SipRequest): boolean =>
  headersOf(request, 'Allow')
    .flatMap((value) => value.split(','))
    .some((method) => method.trim() === 'UPDATE')
