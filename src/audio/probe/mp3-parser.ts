import type { AudioFormat } from '../../domain/media-object.ts'
import { MP3_HEADER_BYTES, type Mp3Frame, parseMp3Frame } from '../containers/mp3-frame.ts'
import { infoOffset } from '../containers/mp3-info.ts'
import type { ByteWindow } from './byte-window.ts'
import type { ContainerParser } from './container-parser.ts'
import { damaged, notRecognised, unsupportedCodec } from './refusals.ts'

const ID3_BYTES = 10
const ID3_HAS_FOOTER = 0x10
/** Tags that may follow the last frame: ID3v1, Lyrics3, APEv2; zeros are padding. */
const TAIL = /^(TAG|LYR|APE|3DI|\0)/
const LAME_DELAY_OFFSET = 21

/** Counts the frames of an MPEG layer III stream, so that the length is exact also for VBR without a Xing header. */
export class Mp3Parser implements ContainerParser {
  #first: Mp3Frame | undefined
  #samples = 0
  #trimSamples = 0
  #frames = 0
  #lastFrame: Mp3Frame | undefined
  #isTail = false

  parse(window: ByteWindow): void {
    while (!this.#isTail && window.owedBytes === 0 && this.#step(window)) {
      // Each step consumes at least four bytes.
    }
    if (this.#isTail) window.skip(window.availableBytes)
  }

  finish(window: ByteWindow): AudioFormat {
    // A last frame that was cut short is not heard.
    if (window.owedBytes > 0 && !this.#isTail) this.#samples -= this.#lastFrame?.samples ?? 0
    if (!this.#first) throw notRecognised()
    const { sampleRateHz, channels } = this.#first
    const samples = Math.max(0, this.#samples - this.#trimSamples)
    return {
      format: 'mp3',
      codec: 'mp3',
      sampleRateHz,
      channels,
      durationMs: Math.round((samples * 1000) / sampleRateHz),
    }
  }

  #step(window: ByteWindow): boolean {
    const head = window.peek(MP3_HEADER_BYTES)
    if (!head) return false
    if (this.#frames === 0 && String.fromCharCode(...head.subarray(0, 3)) === 'ID3') return skipId3(window)
    const frame = parseMp3Frame(head)
    if (!frame) return this.#refuseOrEnd(head, window.offsetBytes)
    this.#requireSame(frame, window.offsetBytes)
    return this.#frames === 0 ? this.#readFirst(window, frame) : this.#count(window, frame)
  }

  #count(window: ByteWindow, frame: Mp3Frame): true {
    this.#frames += 1
    this.#samples += frame.samples
    this.#lastFrame = frame
    window.skip(frame.byteSize)
    return true
  }

  /** The first frame may be no audio but a Xing, Info or VBRI table, and then may tell the encoder's delay and padding. */
  #readFirst(window: ByteWindow, frame: Mp3Frame): boolean {
    const bytes = window.peek(frame.byteSize)
    if (!bytes) return false
    this.#first = frame
    this.#count(window, frame)
    const table = readTable(bytes, frame)
    if (!table) return true
    this.#samples = 0
    this.#trimSamples = table.trimSamples
    return true
  }

  #requireSame(frame: Mp3Frame, offsetBytes: number): void {
    if (frame.layer !== 3) throw unsupportedCodec(`MPEG layer ${frame.layer}`)
    if (frame.bitrateKbps === 0) throw unsupportedCodec('MP3 in free format')
    if (!this.#first || frame.sampleRateHz === this.#first.sampleRateHz) return
    throw this.#frames === 1 ? notRecognised() : damaged('the sample rate changes', offsetBytes)
  }

  /** No frame where one should be: the tags at the end, or damage; behind a single frame it never was MP3. */
  #refuseOrEnd(head: Uint8Array, offsetBytes: number): false {
    if (this.#frames === 0) throw notRecognised()
    this.#isTail = TAIL.test(String.fromCharCode(...head))
    if (this.#isTail) return false
    throw this.#frames === 1 ? notRecognised() : damaged('there is no frame where one should begin', offsetBytes)
  }
}

/** An ID3v2 tag in front: 28 bits of size in four bytes, and a footer when a flag says so. */
const skipId3 = (window: ByteWindow): boolean => {
  const head = window.peek(ID3_BYTES)
  if (!head) return false
  const [flags = 0, a = 0, b = 0, c = 0, d = 0] = head.subarray(5)
  if ((a | b | c | d) & 0x80) throw damaged('the ID3 tag has a wrong size', window.offsetBytes)
  const footerBytes = flags & ID3_HAS_FOOTER ? ID3_BYTES : 0
  window.skip(ID3_BYTES + ((a << 21) | (b << 14) | (c << 7) | d) + footerBytes)
  return true
}

const readTable = (frame: Uint8Array, { isMpeg1, channels }: Mp3Frame): { trimSamples: number } | undefined => {
  const text = (from: number, length: number) => String.fromCharCode(...frame.subarray(from, from + length))
  const at = infoOffset(isMpeg1, channels)
  if (text(MP3_HEADER_BYTES + 32, 4) === 'VBRI') return { trimSamples: 0 }
  if (!/^(Xing|Info)$/.test(text(at, 4))) return undefined
  const flags = frame[at + 7] ?? 0
  const lame = at + 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0)
  if (!/^(LAME|Lavc|Lavf)/.test(text(lame, 4))) return { trimSamples: 0 }
  const [high = 0, middle = 0, low = 0] = frame.subarray(lame + LAME_DELAY_OFFSET)
  return { trimSamples: (high << 4) + (middle >> 4) + ((middle & 15) << 8) + low }
}
