import type { ByteWindow } from '../probe/byte-window.ts'
import { damaged } from '../probe/refusals.ts'
import { parseWavFormat, WAV_FORMAT_BYTES_MIN, WAV_FORMAT_BYTES_READ, type WavFormat } from './wav-format.ts'

/** A WAV up to its audio: how the samples lie, where they begin, and how many bytes they are; undefined: to the end of the stream. */
export interface WavHeader {
  readonly format: WavFormat
  readonly dataOffsetBytes: number
  readonly dataBytes: number | undefined
}

const RIFF_BYTES = 12
const CHUNK_BYTES = 8
const DS64_BYTES = 24
const ALL_ONES = 0xffffffff

const uint32 = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset, true)
const uint64 = (bytes: Uint8Array, offset: number): number =>
  uint32(bytes, offset) + uint32(bytes, offset + 4) * 2 ** 32

/**
 * Reads RIFF, RF64 and BW64 (EBU Tech 3306) chunk by chunk until the `data` chunk. A data size of zero or all ones is the mark of a writer
 * that never came back to fill it in (a PBX that died, a pipe): the audio then goes to the end.
 */
export class WavHeaderReader {
  #hasRiff = false
  #format: WavFormat | undefined
  #longDataBytes: number | undefined

  /** The header once its last byte has come, undefined before. The window then stands at the first sample. Throws AUDIO_DAMAGED and the codec's refusals. */
  read(window: ByteWindow): WavHeader | undefined {
    if (!this.#hasRiff) {
      if (!window.peek(RIFF_BYTES)) return undefined
      window.skip(RIFF_BYTES)
      this.#hasRiff = true
    }
    while (window.owedBytes === 0) {
      const head = window.peek(CHUNK_BYTES)
      if (!head) return undefined
      const id = String.fromCharCode(...head.subarray(0, 4))
      const byteSize = uint32(head, 4)
      if (id === 'data') return this.#data(window, byteSize)
      if (!this.#chunk(window, id, byteSize)) return undefined
    }
    return undefined
  }

  #data(window: ByteWindow, byteSize: number): WavHeader {
    if (!this.#format) throw damaged('the data chunk comes before the format chunk', window.offsetBytes)
    window.skip(CHUNK_BYTES)
    const declared = byteSize === ALL_ONES ? this.#longDataBytes : byteSize
    const dataBytes = declared === 0 ? undefined : declared
    return { format: this.#format, dataOffsetBytes: window.offsetBytes, dataBytes }
  }

  /** One chunk before the audio; false while too little of it has come. Chunks are padded to even lengths. */
  #chunk(window: ByteWindow, id: string, byteSize: number): boolean {
    const wanted = id === 'fmt ' ? Math.min(byteSize, WAV_FORMAT_BYTES_READ) : id === 'ds64' ? DS64_BYTES : 0
    const bytes = window.peek(CHUNK_BYTES + wanted)
    if (!bytes) return false
    if (id === 'fmt ') this.#format = this.#parseFormat(bytes.subarray(CHUNK_BYTES), window.offsetBytes)
    if (id === 'ds64') this.#longDataBytes = uint64(bytes, CHUNK_BYTES + 8)
    window.skip(CHUNK_BYTES + byteSize + (byteSize % 2))
    return true
  }

  #parseFormat(bytes: Uint8Array, offsetBytes: number): WavFormat {
    if (bytes.length < WAV_FORMAT_BYTES_MIN) throw damaged('the format chunk is too short', offsetBytes)
    return parseWavFormat(bytes, offsetBytes)
  }
}
