import type { AudioFormat } from '../../domain/media-object.ts'
import type { ByteWindow } from './byte-window.ts'

/** Reads one kind of container from a window, as far as its bytes have come. */
export interface ContainerParser {
  /** Consumes what it can. Throws AUDIO_DAMAGED, AUDIO_CODEC_UNSUPPORTED or AUDIO_NOT_RECOGNISED. */
  parse(window: ByteWindow): void
  /** What it was, once all bytes have come. Throws as parse does. */
  finish(window: ByteWindow): AudioFormat
}
