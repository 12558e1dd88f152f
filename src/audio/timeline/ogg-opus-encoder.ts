import { OPUS_QUANTUM_TICKS, opusGap } from '../codecs/opus-gap.ts'
import { type OggOpusState, OggOpusWriter, type OpusFrame } from '../containers/ogg-opus-writer.ts'
import type { FileContent, FileEncoder } from './file-encoder.ts'
import type { Piece } from './track.ts'

interface Saved {
  readonly writer: OggOpusState
  readonly owedTicks: number
  readonly toc: number | null
  readonly filledTicks: number
  /** Absent in what an older release has saved. */
  readonly isStereo?: boolean
}

const EMPTY = new Uint8Array(0)
/** Of a packet's first byte: it holds two channels (RFC 6716 §3.1). */
const STEREO = 4

/** Writes a growing Ogg with Opus packets as received; gaps become packets that ask for concealment, then silence. It is playable at every page. */
export class OggOpusEncoder implements FileEncoder {
  readonly #writer: OggOpusWriter
  /** Silence shorter than any packet, which the next gap makes up for, so that roundings never add up. */
  #owedTicks: number
  /** First byte of the last packet: what a gap behind it is to sound like. */
  #toc: number | undefined
  /** What has been written of the present gap, which may come in many pieces; 0 behind audio. */
  #filledTicks: number
  /** More was heard than signalling said: the head is to say so. */
  #isStereo: boolean
  readonly #serial: number
  readonly #channels: number

  constructor(options: { readonly channels: number; readonly serial: number; readonly saved?: unknown }) {
    const saved = options.saved as Saved | undefined
    this.#writer = new OggOpusWriter({ ...options, state: saved?.writer })
    this.#owedTicks = saved?.owedTicks ?? 0
    this.#toc = saved?.toc ?? undefined
    this.#filledTicks = saved?.filledTicks ?? 0
    this.#isStereo = saved?.isStereo ?? options.channels === 2
    this.#serial = options.serial
    this.#channels = options.channels
  }

  begin(): Uint8Array {
    return this.#writer.head()
  }

  encode(pieces: readonly Piece[]): Uint8Array {
    return this.#writer.append(pieces.flatMap((piece) => this.#framesOf(piece)))
  }

  finish(): { readonly tail: Uint8Array; readonly head: Uint8Array } {
    return { tail: this.#writer.finish(), head: this.headAt(0) }
  }

  /** As it was begun, unless packets of two channels came where one was agreed on. */
  headAt(_byteSize: number, { channels } = this.content): Uint8Array {
    return channels === this.#channels ? EMPTY : new OggOpusWriter({ channels, serial: this.#serial }).head()
  }

  get content(): FileContent {
    return { frames: this.#writer.state.granule, channels: this.#isStereo ? 2 : 1 }
  }

  save(): unknown {
    return {
      writer: this.#writer.state,
      owedTicks: this.#owedTicks,
      toc: this.#toc ?? null,
      filledTicks: this.#filledTicks,
      isStereo: this.#isStereo,
    } satisfies Saved
  }

  #framesOf(piece: Piece): readonly OpusFrame[] {
    if (piece.kind === 'audio') {
      this.#toc = piece.bytes[0]
      this.#isStereo ||= ((this.#toc ?? 0) & STEREO) !== 0
      this.#filledTicks = 0
      return [piece]
    }
    const ticks = piece.ticks + this.#owedTicks
    this.#owedTicks = ticks % OPUS_QUANTUM_TICKS
    const frames = opusGap(ticks, this.#toc, this.#filledTicks)
    this.#filledTicks += ticks - this.#owedTicks
    return frames
  }
}
