import { OPUS_QUANTUM_TICKS, opusSilence } from '../codecs/opus-silence.ts'
import { type OggOpusState, OggOpusWriter, type OpusFrame } from '../containers/ogg-opus-writer.ts'
import type { FileEncoder } from './file-encoder.ts'
import type { Piece } from './track.ts'

interface Saved {
  readonly writer: OggOpusState
  readonly owedTicks: number
}

const EMPTY = new Uint8Array(0)

/** Writes a growing Ogg with Opus packets as received; gaps become packets of silence. It is playable at every page. */
export class OggOpusEncoder implements FileEncoder {
  readonly #writer: OggOpusWriter
  /** Silence shorter than any packet, which the next gap makes up for, so that roundings never add up. */
  #owedTicks: number

  constructor(options: { readonly channels: number; readonly serial: number; readonly saved?: unknown }) {
    const saved = options.saved as Saved | undefined
    this.#writer = new OggOpusWriter({ ...options, state: saved?.writer })
    this.#owedTicks = saved?.owedTicks ?? 0
  }

  begin(): Uint8Array {
    return this.#writer.head()
  }

  encode(pieces: readonly Piece[]): Uint8Array {
    return this.#writer.append(
      pieces.flatMap((piece) => (piece.kind === 'audio' ? [piece] : this.#silence(piece.ticks))),
    )
  }

  finish(): { readonly tail: Uint8Array; readonly head: Uint8Array } {
    return { tail: this.#writer.finish(), head: EMPTY }
  }

  headAt(): Uint8Array {
    return EMPTY
  }

  save(): unknown {
    return { writer: this.#writer.state, owedTicks: this.#owedTicks } satisfies Saved
  }

  #silence(gapTicks: number): readonly OpusFrame[] {
    const ticks = gapTicks + this.#owedTicks
    this.#owedTicks = ticks % OPUS_QUANTUM_TICKS
    return opusSilence(ticks)
  }
}
