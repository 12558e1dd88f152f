import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import { MPEGDecoder } from 'mpg123-decoder'
import { OggOpusDecoder } from 'ogg-opus-decoder'
import { OPUS_VENDOR } from '../containers/ogg-opus-writer.ts'
import { decodeCapturedOpus } from './decode-captured-opus.ts'
import type { PcmBlock } from './pcm.ts'

/** What the three decoders give. */
interface Decoded {
  readonly channelData: readonly Float32Array[]
  readonly samplesDecoded: number
  readonly sampleRate: number
  readonly errors: readonly { readonly message: string }[]
}

/** How the three decoders are used; the Ogg ones are asked once more at the end. */
interface StreamDecoder {
  readonly ready: Promise<void>
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>
  flush?(): Decoded | Promise<Decoded>
  free(): void
}

/** Input goes to a decoder in pieces of this size, so that what comes out at once stays small. */
const PIECE_BYTES = 32 * 1024
/** Both heads of ours, and the first of others. */
const HEADS_BYTES = 128
/** As a number of four bytes. */
const VENDOR_LENGTH = String.fromCharCode(OPUS_VENDOR.length, 0, 0, 0)

/** Decodes MP3; the encoder's delay and padding are left out when its tag tells them. */
export const decodeMp3 = (source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> =>
  run(new MPEGDecoder({ enableGapless: true }), source)

/** Decodes Ogg, whichever of Opus and Vorbis its first page names. Opus honours pre-skip and end trimming (RFC 7845 §4); of our own, gaps are filled. */
export async function* decodeOgg(source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  const start = Buffer.from(first.value.subarray(0, HEADS_BYTES))
  const whole = (async function* () {
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  })()
  if (!start.includes('OpusHead')) yield* run(new OggVorbisDecoder(), whole)
  else if (start.includes(`OpusTags${VENDOR_LENGTH}${OPUS_VENDOR}`)) yield* decodeCapturedOpus(whole)
  else yield* run(new OggOpusDecoder(), whole)
}

async function* run(decoder: StreamDecoder, source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> {
  await decoder.ready
  try {
    for await (const chunk of source) {
      for (let offset = 0; offset < chunk.length; offset += PIECE_BYTES) {
        yield* blocksOf(await decoder.decode(chunk.subarray(offset, offset + PIECE_BYTES)))
      }
    }
    if (decoder.flush) yield* blocksOf(await decoder.flush())
  } finally {
    decoder.free()
  }
}

const blocksOf = function* ({ channelData, samplesDecoded, sampleRate }: Decoded): Generator<PcmBlock> {
  if (samplesDecoded > 0) yield { sampleRateHz: sampleRate, channels: channelData }
}
