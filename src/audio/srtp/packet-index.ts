const SEQUENCES = 0x10000
const HALF = 0x8000

/**
 * The index (rollover counter before sequence number, 48 bits) that a packet most likely has, after the highest so far: the one that is nearest
 * (RFC 3711 §3.3.1, appendix A). Negative for a number from before the first round.
 */
export const estimateIndex = (highest: number, sequence: number): number => {
  const index = highest - (highest % SEQUENCES) + sequence
  if (index - highest > HALF) return index - SEQUENCES
  return highest - index > HALF ? index + SEQUENCES : index
}

/** The same sequence number one round later. */
export const nextRound = (index: number): number => index + SEQUENCES

/** The rollover counter of an index. */
export const rolloverOf = (index: number): number => Math.floor(index / SEQUENCES)
