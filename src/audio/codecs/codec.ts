/** The audio codecs that a live leg may use, by their RTP encoding names (RFC 3551 §4.5, RFC 7587). */
export const CODEC_NAMES = ['PCMU', 'PCMA', 'G722', 'L16', 'opus'] as const
export type CodecName = (typeof CODEC_NAMES)[number]

/** One codec as signalling agreed on it. */
export interface PayloadFormat {
  readonly codec: CodecName
  /** RTP payload type, 0 to 127. */
  readonly payloadType: number
  /** Ticks a second of the RTP timestamp: 8000 for G.722 although it samples at 16 kHz (RFC 3551 §4.5.2), 48000 for Opus. */
  readonly clockRateHz: number
  readonly channels: number
}
