import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import { MPEGDecoder } from 'mpg123-decoder'
import { OggOpusDecoder } from 'ogg-opus-decoder'
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
const OPUS_HEAD_BYTES = 36

/** Decodes MP3; the encoder's delay and padding are left out when its tag tells them. */
export const decodeMp3 = (source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> =>
  run(new MPEGDecoder({ enableGapless: true }), source)

/** Decodes Ogg, whichever of Opus and Vorbis its first page names. Opus honours pre-skip and end trimming (RFC 7845 §4). */
export async function* decodeOgg(source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  const isOpus = Buffer.from(first.value.subarray(0, OPUS_HEAD_BYTES)).includes('OpusHead')
  const whole = (async function* () {
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  })()
  yield* run(isOpus ? new OggOpusDecoder() : new OggVorbisDecoder(), whole)
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
