import type { AudioFormat } from '../../domain/media-object.ts'
import { ByteWindow } from './byte-window.ts'
import type { ContainerParser } from './container-parser.ts'
import { Mp3Parser } from './mp3-parser.ts'
import { OggParser } from './ogg-parser.ts'
import { notRecognised } from './refusals.ts'
import { WavParser } from './wav-parser.ts'

/**
 * Finds out what a stream of bytes is while it passes by, in chunks of any size, with at most a page of it in memory. Both throw
 * PoulsenErrors of kind invalid: AUDIO_NOT_RECOGNISED, AUDIO_CODEC_UNSUPPORTED, AUDIO_DAMAGED (with `offsetBytes`).
 */
export interface AudioProbe {
  /** Keeps nothing of the chunk itself. */
  append(chunk: Uint8Array): void
  /** Container, codec, rate, channels and exact length. */
  finish(): AudioFormat
}

/** Enough to tell the containers apart. */
const SNIFF_BYTES = 12

/** A probe for one stream. */
export const openProbe = (): AudioProbe => {
  const window = new ByteWindow()
  let parser: ContainerParser | undefined
  return {
    append(chunk) {
      window.append(chunk)
      const head = parser ? undefined : window.peek(SNIFF_BYTES)
      if (head) parser = recognise(head)
      parser?.parse(window)
      window.keep()
    },
    finish() {
      if (!parser) throw notRecognised()
      return parser.finish(window)
    },
  }
}

const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))

const recognise = (head: Uint8Array): ContainerParser => {
  const magic = ascii(head, 0, 4)
  if (/^(RIFF|RF64|BW64)$/.test(magic) && ascii(head, 8, 12) === 'WAVE') return new WavParser()
  if (magic === 'OggS') return new OggParser()
  if (magic.startsWith('ID3') || (head[0] === 0xff && ((head[1] ?? 0) & 0xe0) === 0xe0)) return new Mp3Parser()
  throw notRecognised()
}
