import type { CodecName } from '../codecs/codec.ts'
import { G722Decoder } from '../codecs/g722.ts'
import { swapL16 } from '../codecs/l16.ts'
import { concatBytes } from '../concat-bytes.ts'
import { formatWavHeader, type WavWriterFormat, wavHeaderBytes } from '../containers/wav-writer.ts'
import type { FileEncoder } from './file-encoder.ts'
import type { Piece } from './track.ts'

/** A WAV of a stream: what comes in, and how it is stored. */
export interface WavEncoderOptions extends Omit<WavWriterFormat, 'dataBytes'> {
  readonly payload: CodecName
  /** Samples of the file in a tick of the RTP clock: 2 for G.722. */
  readonly samplesPerTick: number
}

/** Codes of silence (ITU-T G.711): the smallest positive value. */
const MULAW_SILENCE = 0xff
const ALAW_SILENCE = 0xd5
const SILENCE: Readonly<Record<WavWriterFormat['codec'], number>> = {
  pcm_mulaw: MULAW_SILENCE,
  pcm_alaw: ALAW_SILENCE,
  pcm_s16le: 0,
}
const EMPTY = new Uint8Array(0)

/** Writes a growing WAV. While it grows its header says that the audio goes to the end; a reader gets one with sizes. */
export class WavEncoder implements FileEncoder {
  readonly #options: WavEncoderOptions
  readonly #bytesPerTick: number
  /** G.722 is adaptive: decoding goes on over packets, and begins anew after a crash. */
  readonly #g722: G722Decoder | undefined

  constructor(options: WavEncoderOptions) {
    this.#options = options
    const bytesPerSample = options.codec === 'pcm_s16le' ? 2 : 1
    this.#bytesPerTick = bytesPerSample * options.channels * options.samplesPerTick
    this.#g722 = options.payload === 'G722' ? new G722Decoder() : undefined
  }

  begin(): Uint8Array {
    return formatWavHeader({ ...this.#options, dataBytes: undefined })
  }

  encode(pieces: readonly Piece[]): Uint8Array {
    return concatBytes(pieces.map((piece) => this.#encode(piece)))
  }

  #encode(piece: Piece): Uint8Array {
    if (piece.kind === 'gap') {
      return new Uint8Array(piece.ticks * this.#bytesPerTick).fill(SILENCE[this.#options.codec])
    }
    if (this.#g722) return new Uint8Array(this.#g722.decode(piece.bytes).buffer)
    return this.#options.payload === 'L16' ? swapL16(piece.bytes) : piece.bytes
  }

  finish(byteSize: number): { readonly tail: Uint8Array; readonly head: Uint8Array } {
    return { tail: byteSize % 2 === 0 ? EMPTY : new Uint8Array(1), head: this.headAt(byteSize) }
  }

  headAt(byteSize: number): Uint8Array {
    const dataBytes = byteSize - wavHeaderBytes(this.#options.codec)
    return formatWavHeader({ ...this.#options, dataBytes })
  }

  save(): unknown {
    return null
  }
}
