import type { OpusFrame } from '../containers/ogg-opus-writer.ts'

/** Ticks of 48 kHz in 2.5 ms, the shortest frame of Opus. */
export const OPUS_QUANTUM_TICKS = 120

/**
 * CELT frames in which the coder says "silence" (RFC 6716 §4.3: the first symbol), mono, full band, longest first: ticks and table of contents byte
 * (configurations 31 to 28, §3.1).
 */
const SILENCES: readonly (readonly [ticks: number, toc: number])[] = [
  [960, 31 << 3],
  [480, 30 << 3],
  [240, 29 << 3],
  [120, 28 << 3],
]
const FRAME = [0xff, 0xfe] as const

const PACKETS: readonly OpusFrame[] = SILENCES.map(([ticks, toc]) => ({ ticks, bytes: Uint8Array.of(toc, ...FRAME) }))

/** Packets of true silence for a stretch of 48 kHz ticks. What is not a multiple of 2.5 ms is rounded down; {@link OPUS_QUANTUM_TICKS}. */
export const opusSilence = (ticks: number): readonly OpusFrame[] => {
  const frames: OpusFrame[] = []
  let left = ticks
  for (const packet of PACKETS) {
    for (; left >= packet.ticks; left -= packet.ticks) frames.push(packet)
  }
  return frames
}
