import type { AudioFormat } from '../../domain/media-object.ts'
import { type WavHeader, WavHeaderReader } from '../containers/wav-header.ts'
import type { ByteWindow } from './byte-window.ts'
import type { ContainerParser } from './container-parser.ts'
import { damaged } from './refusals.ts'

/** Reads a WAV's header, then only counts. */
export class WavParser implements ContainerParser {
  readonly #reader = new WavHeaderReader()
  #header: WavHeader | undefined

  parse(window: ByteWindow): void {
    this.#header ??= this.#reader.read(window)
    // The audio, and whatever chunks follow it, say nothing more.
    if (this.#header) window.skip(window.availableBytes)
  }

  finish(window: ByteWindow): AudioFormat {
    if (!this.#header) throw damaged('it ends before the audio begins', window.offsetBytes)
    const { format, dataOffsetBytes, dataBytes } = this.#header
    const cameBytes = window.offsetBytes - dataOffsetBytes
    if (dataBytes !== undefined && dataBytes > cameBytes) {
      throw damaged(`${dataBytes - cameBytes} of ${dataBytes} bytes of audio are missing`, window.offsetBytes)
    }
    const { codec, channels, sampleRateHz, bytesPerSample } = format
    const frames = Math.floor((dataBytes ?? cameBytes) / (bytesPerSample * channels))
    return { format: 'wav', codec, channels, sampleRateHz, durationMs: Math.round((frames * 1000) / sampleRateHz) }
  }
}
