/** So many frames are made up for at once; behind a longer silence the encoder only warms up on as many. */
const CATCH_UP_FRAMES_MAX = 25

/**
 * The frames of an encoder with a memory: each is encoded once, in order, also those that are lost on the way, because a real sender encodes them, too. The
 * last `keep` may be asked for again: packets are delayed and come twice. Through a hold nobody encodes, and hundreds of frames at its end would delay the
 * first packet behind it and everybody else's.
 */
export const inOrder = (encode: (frame: number) => Uint8Array, keep: number): ((frame: number) => Uint8Array) => {
  const kept = new Map<number, Uint8Array>()
  let next = 0
  return (frame) => {
    next = Math.max(next, frame - CATCH_UP_FRAMES_MAX)
    for (; next <= frame; next += 1) kept.set(next, encode(next))
    for (const oldest of kept.keys()) {
      if (oldest >= next - keep) break
      kept.delete(oldest)
    }
    return kept.get(frame) ?? encode(frame)
  }
}
