import type { OpusFrame } from '../containers/ogg-opus-writer.ts'

/** Ticks of 48 kHz in 2.5 ms, the shortest frame of Opus: no gap is shorter. */
export const OPUS_QUANTUM_TICKS = 120
/** Longer than this no decoder should make up sound for what never came. */
const CONCEALED_TICKS_MAX = 9_600

const CELT_FROM = 16
const HYBRID_FROM = 12
/** Configuration numbers count the frame lengths of a mode up, in groups (RFC 6716 §3.1, table 2): ticks and place in the group, longest first. */
const SILK = [
  [2880, 3],
  [1920, 2],
  [960, 1],
  [480, 0],
] as const
const HYBRID = [
  [960, 1],
  [480, 0],
] as const
const CELT = [
  [960, 3],
  [480, 2],
  [240, 1],
  [120, 0],
] as const
/** CELT at full band. */
const CELT_FULL = 28
/** A CELT frame whose first symbol says silence (RFC 6716 §4.3). */
const SILENT_FRAME = [0xff, 0xfe] as const

/**
 * Packets for a stretch that never came (RFC 7845 §4.1). The first 200 ms ask the decoder to conceal: a table of contents byte alone, of the mode, bandwidth and
 * channels of the packet before (`toc`), so that the decoder's state lives on and the sound behind the gap is whole. The rest is true silence.
 * What is not a multiple of 2.5 ms is rounded down. `filledTicks` of the same gap have been filled before.
 */
export const opusGap = (ticks: number, toc: number | undefined, filledTicks = 0): readonly OpusFrame[] => {
  const concealable = Math.max(0, CONCEALED_TICKS_MAX - filledTicks)
  const concealed = toc === undefined ? [] : conceal(Math.min(ticks, concealable), toc)
  const left = concealed.reduce((rest, frame) => rest - frame.ticks, ticks)
  return [...concealed, ...fill(left, CELT, (place) => [((CELT_FULL + place) << 3) | stereoOf(toc), ...SILENT_FRAME])]
}

const stereoOf = (toc: number | undefined): number => (toc ?? 0) & 4

const conceal = (ticks: number, toc: number): readonly OpusFrame[] => {
  const configuration = toc >> 3
  const lengths = configuration >= CELT_FROM ? CELT : configuration >= HYBRID_FROM ? HYBRID : SILK
  const group = configuration - (configuration % lengths.length)
  return fill(ticks, lengths, (place) => [((group + place) << 3) | stereoOf(toc)])
}

/** As many packets as fit, longest first. */
const fill = (
  ticks: number,
  lengths: readonly (readonly [ticks: number, place: number])[],
  packetOf: (place: number) => readonly number[],
): readonly OpusFrame[] => {
  const frames: OpusFrame[] = []
  let left = ticks
  for (const [length, place] of lengths) {
    const bytes = Uint8Array.from(packetOf(place))
    for (; left >= length; left -= length) frames.push({ bytes, ticks: length })
  }
  return frames
}
