import { PoulsenError } from '../../domain/errors.ts'
import type { MediaFormat } from '../../domain/media-object.ts'
import { decodeCapturedOpus } from './decode-captured-opus.ts'
import { decodeMp3, decodeOgg } from './decode-compressed.ts'
import { decodeWav } from './decode-wav.ts'
import { openMp3Encoder } from './encode-mp3.ts'
import { openWavEncoder } from './encode-wav.ts'
import type { Decoder, Encoder } from './pcm.ts'

const DECODERS: Readonly<Record<MediaFormat, Decoder>> = { wav: decodeWav, mp3: decodeMp3, ogg: decodeOgg }

/** From what to what. */
export interface Conversion {
  readonly from: MediaFormat
  readonly to: 'wav' | 'mp3'
  /** Of a WAV: samples a second; without it, those of the source. */
  readonly wavRateHz?: number
  /** The source is a recording of ours of a live call: gaps in it are filled from what its packets repeat. */
  readonly isCaptured?: boolean
  /** There may be no audio yet. */
  readonly isGrowing?: boolean
}

/**
 * Turns one container into another, block by block. `header`, when returned, belongs over the beginning of the output. Throws TRANSCODE_FAILED
 * when nothing can be decoded, besides what the source, the sink and the WAV reader throw. Pure but for the codecs' own memory.
 */
export const transcode = async (
  { from, to, wavRateHz, isGrowing = false, isCaptured = false }: Conversion,
  source: AsyncIterable<Uint8Array>,
  append: (bytes: Uint8Array) => Promise<void>,
): Promise<{ readonly header?: Uint8Array }> => {
  const encoder: Encoder = to === 'wav' ? openWavEncoder(wavRateHz) : await openMp3Encoder()
  let blocks = 0
  const decode = from === 'ogg' && isCaptured ? decodeCapturedOpus : DECODERS[from]
  for await (const block of decode(source)) {
    blocks += 1
    for (const bytes of encoder.append(block)) await append(bytes)
  }
  if (blocks === 0 && from !== 'wav' && !isGrowing) throw nothingDecoded(from)
  const { bytes, header } = encoder.finish()
  for (const rest of bytes) await append(rest)
  return header ? { header } : {}
}

const nothingDecoded = (from: MediaFormat): PoulsenError =>
  new PoulsenError({
    code: 'TRANSCODE_FAILED',
    kind: 'corrupt',
    message: `No audio could be decoded from the ${from}.`,
  })
