import type { AudioFormat } from '../../domain/media-object.ts'
import { type OggCodec, parseOggCodec } from '../containers/ogg-codec.ts'
import { type OggPage, oggPageBytes, parseOggPage } from '../containers/ogg-page.ts'
import type { ByteWindow } from './byte-window.ts'
import type { ContainerParser } from './container-parser.ts'
import { OpusStart } from './opus-start.ts'
import { damaged, notRecognised, unsupportedCodec } from './refusals.ts'

/** A logical stream that is being read. `codec` is undefined for a skeleton. */
interface Stream {
  readonly codec: OggCodec | undefined
  readonly start: OpusStart | undefined
  sequence: number
  granule: number
}

/** Streams side by side in one link; more is no call recording. */
const STREAMS_MAX = 8

/**
 * Reads every page of an Ogg file, checks its checksum and sequence, and takes the length from granule positions. Exactly one audio stream at a time, a
 * skeleton beside it at most; chained files (one stream after another) count as one when codec, channels and rate stay the same.
 */
export class OggParser implements ContainerParser {
  readonly #streams = new Map<number, Stream>()
  #codec: OggCodec | undefined
  #samples = 0
  #pages = 0

  parse(window: ByteWindow): void {
    while (this.#page(window)) {
      // Each page consumes at least its header.
    }
  }

  finish(window: ByteWindow): AudioFormat {
    if (window.availableBytes > 0) throw damaged('the last page is cut short', window.offsetBytes)
    for (const stream of this.#streams.values()) this.#end(stream)
    if (!this.#codec) throw notRecognised()
    const { codec, channels, sampleRateHz } = this.#codec
    return {
      format: 'ogg',
      codec,
      channels,
      sampleRateHz,
      durationMs: Math.round((this.#samples * 1000) / sampleRateHz),
    }
  }

  #page(window: ByteWindow): boolean {
    const byteSize = oggPageBytes((count) => window.peek(count))
    if (byteSize === 'not-a-page') throw damaged('there is no page where one should begin', window.offsetBytes)
    const bytes = byteSize === undefined ? undefined : window.peek(byteSize)
    if (!bytes) return false
    const page = parseOggPage(bytes)
    if (page === 'wrong-checksum') throw damaged(`page ${this.#pages} has a wrong checksum`, window.offsetBytes)
    if (page.isFirst) this.#begin(page, window.offsetBytes)
    else this.#continue(page, window.offsetBytes)
    this.#pages += 1
    window.skip(bytes.length)
    return true
  }

  #continue(page: OggPage, offsetBytes: number): void {
    const stream = this.#streams.get(page.serial)
    if (!stream) throw damaged(`page ${this.#pages} belongs to no stream`, offsetBytes)
    if (page.sequence !== (stream.sequence + 1) >>> 0)
      throw damaged(`a page is missing before page ${this.#pages}`, offsetBytes)
    stream.sequence = page.sequence
    if (page.granule >= 0) stream.granule = page.granule
    stream.start?.add(page)
    if (!page.isLast) return
    this.#end(stream)
    this.#streams.delete(page.serial)
  }

  #begin(page: OggPage, offsetBytes: number): void {
    const codec = parseOggCodec(page.payload, offsetBytes)
    const hasAudio = [...this.#streams.values()].some((stream) => stream.codec)
    if ((codec && hasAudio) || this.#streams.size >= STREAMS_MAX)
      throw unsupportedCodec('Ogg with several streams side by side')
    if (codec && this.#codec && !isSame(codec, this.#codec)) throw unsupportedCodec('chained Ogg whose format changes')
    this.#codec ??= codec
    const start = codec?.codec === 'opus' ? new OpusStart() : undefined
    this.#streams.set(page.serial, { codec, start, sequence: page.sequence, granule: 0 })
  }

  #end({ codec, start, granule }: Stream): void {
    if (codec) this.#samples += Math.max(0, granule - (start?.granule ?? 0) - codec.preSkipSamples)
  }
}

const isSame = (a: OggCodec, b: OggCodec): boolean =>
  a.codec === b.codec && a.channels === b.channels && a.sampleRateHz === b.sampleRateHz
