import { SDES_SUITES, type SdesKey, type SdesSuite, type SdpCrypto } from './crypto.ts'
import type { SdpMedia } from './offer.ts'

/** What we say about the protection of media. */
export interface OwnSecurity {
  /** `required`: lines in the open are refused, and offers of ours are RTP/SAVP. Absent: each line as the peer offers it, and offers of ours are in the open. */
  readonly mediaSecurity?: 'required'
  /**
   * Our key for a line: random, and the same again for a line and suite that it was asked for before, unless the peer has changed its own. `remoteKey` is that of
   * the peer, undefined while the offer is ours. It is also asked for lines that are refused in the end for want of ports. Absent: nothing is protected, RTP/SAVP lines are refused.
   */
  readonly localKey?: (lineIndex: number, suite: SdesSuite, remoteKey: SdesKey | undefined) => SdesKey
}

/** How the media of an accepted line is protected; each side sends under its own key (RFC 4568 §5.1). */
export interface LineSecurity {
  readonly suite: SdesSuite
  /** What the peer sends with. */
  readonly remoteKey: SdesKey
  /** What we send with: reports. */
  readonly localKey: SdesKey
}

/** `plain` in the open; undefined: the line cannot be taken. */
export type AgreedSecurity = { readonly tag: number; readonly security: LineSecurity } | 'plain' | undefined

const PLAIN: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF'])
const SECURE: ReadonlySet<string> = new Set(['RTP/SAVP', 'RTP/SAVPF'])
const SUITES = Object.keys(SDES_SUITES) as readonly SdesSuite[]

/**
 * How a line that the peer offers is protected: with the first of its suites that is ours. The protocol alone tells whether it is: a line of RTP/AVP is in the
 * open even with `a=crypto`, which some phones add in the hope of an answer that has it too (RFC 4568 §3 has no such thing).
 */
export const securityOfOffered = (line: SdpMedia, index: number, own: OwnSecurity): AgreedSecurity => {
  const protocol = line.protocol.toUpperCase()
  if (PLAIN.has(protocol)) return own.mediaSecurity === 'required' ? undefined : 'plain'
  const [chosen] = line.crypto
  if (!SECURE.has(protocol) || !chosen || !own.localKey) return undefined
  const { suite } = chosen.key
  return {
    tag: chosen.tag,
    security: { suite, remoteKey: chosen.key, localKey: own.localKey(index, suite, chosen.key) },
  }
}

/** How a line is protected that we have offered and the peer has answered: by the one of our lines that it names, with its suite (RFC 4568 §5.1.3). */
export const securityOfAnswered = (offered: SdpMedia, answered: SdpMedia): AgreedSecurity => {
  const protocol = answered.protocol.toUpperCase()
  if (PLAIN.has(offered.protocol.toUpperCase())) return PLAIN.has(protocol) ? 'plain' : undefined
  if (!SECURE.has(protocol)) return undefined
  for (const { tag, key: localKey } of offered.crypto) {
    const { suite } = localKey
    const remoteKey = answered.crypto.find((each) => each.tag === tag && each.key.suite === suite)?.key
    if (remoteKey) return { tag, security: { suite, remoteKey, localKey } }
  }
  return undefined
}

/** The protocol and keys of a new line of ours: in the open, or of every suite, the strongest first. */
export const offeredSecurity = (
  index: number,
  { mediaSecurity, localKey }: OwnSecurity,
): Pick<SdpMedia, 'protocol' | 'crypto'> => {
  if (mediaSecurity !== 'required') return { protocol: 'RTP/AVP', crypto: [] }
  // Without keys nothing can be agreed on: that is better than to offer it in the open.
  const crypto = SUITES.flatMap((suite, place): SdpCrypto[] => {
    const key = localKey?.(index, suite, undefined)
    return key ? [{ tag: place + 1, key }] : []
  })
  return { protocol: 'RTP/SAVP', crypto }
}
