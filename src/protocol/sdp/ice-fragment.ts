import { CANDIDATES_MAX, isCandidate } from './ice-candidate.ts'
import { isIceUfrag } from './ice-credentials.ts'
import { sectionsOf } from './sdp-sections.ts'

/** What a PATCH of a WHIP session brings (`application/trickle-ice-sdpfrag`, RFC 8840 §9). */
export interface IceFragment {
  readonly ufrag: string
  readonly candidates: readonly string[]
}

export const FRAGMENT_CHARACTERS_MAX = 16_384

/** The candidates of a fragment and whose they are; undefined for what is no fragment. Those that cannot be used are left out (RFC 9725 §4.3.2). */
export const parseIceFragment = (text: string): IceFragment | undefined => {
  if (text.length > FRAGMENT_CHARACTERS_MAX) return undefined
  const { session, media } = sectionsOf(text)
  const attributes = [...session, ...media.flat()]
  const ufrag = attributes.find(({ name }) => name === 'ice-ufrag')?.value
  if (ufrag === undefined || !isIceUfrag(ufrag)) return undefined
  const candidates = attributes
    .filter(({ name }) => name === 'candidate')
    .slice(0, CANDIDATES_MAX)
    .map(({ value }) => `candidate:${value}`)
    .filter(isCandidate)
  return { ufrag, candidates }
}
