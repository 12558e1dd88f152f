import { CODEC_NAMES, type CodecName, type PayloadFormat } from '../audio/codecs/codec.ts'
import { invalid } from './signal.ts'

/** A codec as a call offers it. */
export interface CallerCodec extends PayloadFormat {
  /** What the encoder samples at; for G.722 it is not the clock rate. */
  readonly sampleRateHz: number
  /** `a=fmtp` parameters. */
  readonly parameters?: string
}

const CODECS: Readonly<Record<CodecName, CallerCodec>> = {
  PCMU: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1, sampleRateHz: 8000 },
  PCMA: { codec: 'PCMA', payloadType: 8, clockRateHz: 8000, channels: 1, sampleRateHz: 8000 },
  G722: { codec: 'G722', payloadType: 9, clockRateHz: 8000, channels: 1, sampleRateHz: 16_000 },
  L16: { codec: 'L16', payloadType: 97, clockRateHz: 16_000, channels: 1, sampleRateHz: 16_000 },
  opus: {
    codec: 'opus',
    payloadType: 111,
    clockRateHz: 48_000,
    channels: 2,
    sampleRateHz: 48_000,
    parameters: 'minptime=10;useinbandfec=1',
  },
}

/** Codecs by their RTP encoding names, in order of preference. Throws CALL_INVALID for a name that is none, or an empty list. */
export const callerCodecs = (names: readonly string[]): readonly CallerCodec[] => {
  const found = names.map((name) => CODEC_NAMES.find((each) => each.toLowerCase() === name.toLowerCase()))
  if (found.length === 0 || found.includes(undefined)) throw invalid(`Codecs are among ${CODEC_NAMES.join(', ')}.`)
  return [...new Set(found)].map((name) => CODECS[name as CodecName])
}
