const KHZ = 48
/** Frame lengths in milliseconds by the mode that a configuration number belongs to (RFC 6716 §3.1, table 2). */
const SILK_MS = [10, 20, 40, 60] as const
const HYBRID_MS = [10, 20] as const
const CELT_MS = [2.5, 5, 10, 20] as const
const HYBRID_FROM = 12
const CELT_FROM = 16

/** Samples at 48 kHz in an Opus packet, by its first two bytes (RFC 6716 §3.1, §3.2). */
export const opusPacketSamples = (toc: number, next: number): number => {
  const frames = [1, 2, 2, next & 0x3f][toc & 3] ?? 0
  return frames * frameMs(toc >> 3) * KHZ
}

const frameMs = (configuration: number): number => {
  if (configuration >= CELT_FROM) return CELT_MS[configuration & 3] ?? 0
  return (configuration >= HYBRID_FROM ? HYBRID_MS[configuration & 1] : SILK_MS[configuration & 3]) ?? 0
}
