import type { RsTimes } from './rs-document.ts'
import type { RsSpell } from './rs-state.ts'

/** A document says that something is so, or, with a `disassociatedAtMs`, that it was. */
export interface Claim<V> extends RsTimes {
  readonly value: V
}

/** How claims of one kind change what is known. */
export interface ClaimRules<V> {
  /** Two claims of one key are about the same thing. */
  readonly keyOf: (value: V) => string
  /** Whether something that goes on has ended because the document does not claim it. */
  readonly isSuperseded: (value: V) => boolean
  /** When the document came. */
  readonly atMs: number
}

/** The spells with what a document claims: some end, some begin, some were missed whole. Those that go on take over what is new of their value. */
export const applyClaims = <V extends object>(
  spells: readonly (V & RsSpell)[],
  claims: readonly Claim<V>[],
  { keyOf, isSuperseded, atMs }: ClaimRules<V>,
): readonly (V & RsSpell)[] => {
  const claimed = new Set(claims.map(({ value }) => keyOf(value)))
  const isLost = (spell: V & RsSpell) => !claimed.has(keyOf(spell)) && isSuperseded(spell)
  const result = spells.map((spell) => (isOpen(spell) && isLost(spell) ? ended(spell, atMs) : spell))
  const latest = new Map(result.map((spell, index) => [keyOf(spell), index]))
  for (const claim of claims) {
    const key = keyOf(claim.value)
    const index = latest.get(key)
    const before = index === undefined ? undefined : result[index]
    if (index !== undefined && before && isOpen(before)) result[index] = continued(before, claim)
    else {
      const begun = beginning(before, claim, atMs)
      if (begun) latest.set(key, result.push(begun) - 1)
    }
  }
  return result
}

/** Whether it still goes on. */
export const isOpen = ({ toMs }: RsSpell): boolean => toMs === undefined

/** It ended then; never before it began. */
export const ended = <T extends RsSpell>(spell: T, toMs: number): T => ({
  ...spell,
  toMs: Math.max(toMs, spell.fromMs),
})

const continued = <V extends object>(before: V & RsSpell, claim: Claim<V>): V & RsSpell => {
  const now = { ...before, ...claim.value }
  return claim.disassociatedAtMs === undefined ? now : ended(now, claim.disassociatedAtMs)
}

/** A new spell, of something that has not been or is over; undefined when the claim tells of the old one once more. */
const beginning = <V extends object>(
  before: RsSpell | undefined,
  { value, associatedAtMs, disassociatedAtMs }: Claim<V>,
  atMs: number,
): (V & RsSpell) | undefined => {
  const overSinceMs = before?.toMs ?? Number.NEGATIVE_INFINITY
  // A sender that repeats when something began the first time does not say when it began again.
  const isOldNews = before !== undefined && associatedAtMs !== undefined && associatedAtMs <= before.fromMs
  if (disassociatedAtMs === undefined) {
    const fromMs = isOldNews ? atMs : (associatedAtMs ?? atMs)
    return { ...value, fromMs: Math.max(fromMs, overSinceMs), toMs: undefined }
  }
  if (before && (isOldNews || associatedAtMs === undefined || disassociatedAtMs <= overSinceMs)) return undefined
  const fromMs = Math.max(associatedAtMs ?? disassociatedAtMs, overSinceMs)
  return { ...value, fromMs, toMs: Math.max(fromMs, disassociatedAtMs) }
}

/** At most `max`: those that are over go first, the oldest of them before others; then the newest are not taken. */
export const bounded = <T extends RsSpell>(items: readonly T[], max: number): readonly T[] => {
  let excess = items.length - max
  if (excess <= 0) return items
  const kept = items.filter((item) => {
    const goes = excess > 0 && !isOpen(item)
    if (goes) excess -= 1
    return !goes
  })
  return kept.slice(0, max)
}
