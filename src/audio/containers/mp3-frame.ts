/** What an MPEG audio frame header says (ISO 11172-3 §2.4.1.3, 13818-3). */
export interface Mp3Frame {
  readonly layer: 1 | 2 | 3
  readonly isMpeg1: boolean
  readonly sampleRateHz: number
  readonly channels: 1 | 2
  /** 0: free format, whose frames have no declared length. */
  readonly bitrateKbps: number
  readonly byteSize: number
  readonly samples: number
}

export const MP3_HEADER_BYTES = 4

const KBPS_MPEG1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const KBPS_MPEG2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const RATES_MPEG1_HZ = [44_100, 48_000, 32_000]
const RATE_DIVISORS: readonly (number | undefined)[] = [4, undefined, 2, 1]
const LAYERS: readonly (1 | 2 | 3 | undefined)[] = [undefined, 3, 2, 1]
const MONO = 3

/** The frame that these four bytes begin, or undefined when they are no frame header. Sizes hold for layer III only. */
export const parseMp3Frame = (bytes: Uint8Array): Mp3Frame | undefined => {
  const [sync = 0, kind = 0, rates = 0, mode = 0] = bytes
  if (sync !== 0xff || (kind & 0xe0) !== 0xe0) return undefined
  const divisor = RATE_DIVISORS[(kind >> 3) & 3]
  const layer = LAYERS[(kind >> 1) & 3]
  const isMpeg1 = divisor === 1
  const rateHz = RATES_MPEG1_HZ[(rates >> 2) & 3]
  const bitrateKbps = (isMpeg1 ? KBPS_MPEG1 : KBPS_MPEG2)[rates >> 4]
  if (divisor === undefined || layer === undefined || rateHz === undefined || bitrateKbps === undefined)
    return undefined
  const sampleRateHz = rateHz / divisor
  const samples = isMpeg1 ? 1152 : 576
  const padding = (rates >> 1) & 1
  const byteSize = Math.floor((samples / 8) * 1000 * (bitrateKbps / sampleRateHz)) + padding
  return { layer, isMpeg1, sampleRateHz, channels: mode >> 6 === MONO ? 1 : 2, bitrateKbps, byteSize, samples }
}
