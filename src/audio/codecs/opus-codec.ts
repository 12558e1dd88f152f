import { Application, createDecoder, createEncoder } from 'libopus-wasm'
import { opusDurationTicks } from './opus-packet.ts'

/** What an encoder makes of samples at 48 kHz. */
export interface OpusEncoderOptions {
  readonly channels: 1 | 2
  /** 2.5, 5, 10, 20, 40 or 60: what one packet holds. */
  readonly frameMs: number
  /** 6,000 to 510,000; 32,000 unless said. */
  readonly bitrateBps?: number
  /** `voip` unless said. */
  readonly application?: 'voip' | 'audio' | 'low-delay'
  /** Repeats each packet's gist in the next (RFC 6716 §2.1.7), for a network that loses about so many in a hundred. None unless said. */
  readonly fecForLossPercent?: number
  /** Sends next to nothing while it is silent (§2.1.9). Off unless said. */
  readonly dtx?: boolean
}

/** One stream's encoder; it holds memory until `free`. */
export interface OpusEncoder {
  /** `samples` are those of one packet, channels interleaved, at 48 kHz. The packet is the caller's own. */
  encode(samples: Int16Array): Uint8Array
  free(): void
}

/** One stream's decoder; it holds memory until `free`. */
export interface OpusDecoder {
  /** Samples at the decoder's rate, channels interleaved, the caller's own; undefined for what is no packet. */
  decode(packet: Uint8Array): Int16Array | undefined
  /** What is heard in place of so many samples a channel that never came: a multiple of 2.5 ms, to 120 ms. */
  conceal(samples: number): Int16Array
  /**
   * The same, as far as the packet behind them repeats it (in-band FEC, RFC 6716 §2.1.7): what it does not have is made up. The packet itself is to be decoded
   * next.
   */
  recover(next: Uint8Array, samples: number): Int16Array
  free(): void
}

const SAMPLE_RATE_HZ = 48_000
const BITRATE_BPS = 32_000
/** The most that a packet holds. */
const PACKET_SECONDS_MAX = 0.12
const APPLICATIONS = {
  voip: Application.Voip,
  audio: Application.Audio,
  'low-delay': Application.RestrictedLowDelay,
} as const

/** An encoder for a call generator. Rejects when libopus takes no such frame length or bit rate. */
export const openOpusEncoder = async (options: OpusEncoderOptions): Promise<OpusEncoder> => {
  const { channels, frameMs, bitrateBps = BITRATE_BPS, application = 'voip', fecForLossPercent = 0, dtx } = options
  const frameSize = (SAMPLE_RATE_HZ * frameMs) / 1000
  const encoder = await createEncoder({
    channels,
    sampleRate: SAMPLE_RATE_HZ,
    frameSize,
    application: APPLICATIONS[application],
    bitrate: bitrateBps,
    dtx: dtx ?? false,
    fec: fecForLossPercent > 0,
    packetLossPercent: fecForLossPercent,
  })
  return {
    encode: (samples) => encoder.encode(samples, { frameSize }),
    free: () => encoder.free(),
  }
}

/** A decoder, at 48 kHz unless said. It joins a stream anywhere; what it has heard before shapes what comes out next. */
export const openOpusDecoder = async (options: {
  readonly channels: 1 | 2
  readonly sampleRateHz?: 16_000 | 48_000
}): Promise<OpusDecoder> => {
  const { channels, sampleRateHz: sampleRate = SAMPLE_RATE_HZ } = options
  const decoder = await createDecoder({ channels, sampleRate, maxFrameSize: sampleRate * PACKET_SECONDS_MAX })
  return {
    decode: (packet) => (opusDurationTicks(packet) === undefined ? undefined : decoder.decode(packet)),
    conceal: (samples) => decoder.decodePacketLoss(samples),
    recover: (next, samples) => decoder.decode(next, { decodeFec: true, frameSize: samples }),
    free: () => decoder.free(),
  }
}
