import { encodeAlaw, encodeMulaw } from '../codecs/g711.ts'
import { formatWavHeader, type WavWriterFormat, wavHeaderBytes } from '../containers/wav-writer.ts'
import type { FileEncoder } from './file-encoder.ts'
import type { LinearDecoder } from './linear-decoder.ts'
import { SampleQueue } from './sample-queue.ts'
import type { Piece } from './track.ts'

/** How several tracks lie in one WAV. */
export type MixFormat = Omit<WavWriterFormat, 'dataBytes'>

/** One track of a mix. */
export interface MixLine {
  readonly decoder: LinearDecoder
  /** The channel that it is heard in, from 0; tracks of one channel are added up. */
  readonly channel: number
}

interface Heard extends MixLine {
  readonly queue: SampleQueue
}

const LOUDEST = 32_767
const EMPTY = new Uint8Array(0)

/**
 * Writes several tracks into one growing WAV: each in its channel, several in one channel added up. A frame is written when every track has come to it. What
 * it holds back between calls is less than a packet, and is not saved: who goes on from {@link MixEncoder.save} begins with the audio behind the last frame.
 */
export class MixEncoder implements FileEncoder {
  readonly #format: MixFormat
  readonly #known = new Map<number, MixLine>()
  readonly #heard = new Map<number, Heard>()
  #frames: number
  /** Samples that the furthest track has and another has not. */
  #heldBack = 0

  /** `frames` of the file are there already. */
  constructor(format: MixFormat, frames = 0) {
    this.#format = format
    this.#frames = frames
  }

  /** Says how a track is decoded and where it goes; it takes part from its first piece on. */
  add(track: number, line: MixLine): void {
    this.#known.set(track, line)
  }

  begin(): Uint8Array {
    return formatWavHeader({ ...this.#format, dataBytes: undefined })
  }

  encode(pieces: readonly Piece[]): Uint8Array {
    for (const piece of pieces) {
      const heard = this.#hear(piece.track ?? 0)
      heard?.queue.push(heard.decoder.decode(piece))
    }
    const lengths = [...this.#heard.values()].map(({ queue }) => queue.length)
    if (lengths.length === 0) return EMPTY
    const frames = Math.min(...lengths)
    this.#heldBack = Math.max(...lengths) - frames
    return this.#mix(frames)
  }

  finish(byteSize: number): { readonly tail: Uint8Array; readonly head: Uint8Array } {
    const heard = [...this.#heard.values()]
    for (const { decoder, queue } of heard) queue.push(decoder.finish())
    const longest = Math.max(0, ...heard.map(({ queue }) => queue.length))
    const audio = this.#mix(longest)
    const endBytes = byteSize + audio.length
    const padding = endBytes % 2
    const tail = new Uint8Array(audio.length + padding)
    tail.set(audio)
    return { tail, head: this.headAt(endBytes) }
  }

  headAt(byteSize: number): Uint8Array {
    const dataBytes = byteSize - wavHeaderBytes(this.#format.codec)
    return formatWavHeader({ ...this.#format, dataBytes })
  }

  /** Frames that are written: where to go on. */
  save(): { readonly frames: number } {
    return { frames: this.#frames }
  }

  free(): void {
    for (const { decoder } of this.#known.values()) decoder.free()
    this.#known.clear()
    this.#heard.clear()
  }

  /** A track that is heard for the first time begins where the others have come to, held back samples included. */
  #hear(track: number): Heard | undefined {
    const heard = this.#heard.get(track)
    const line = this.#known.get(track)
    if (heard || !line) return heard
    const fresh = { ...line, queue: new SampleQueue() }
    fresh.queue.push(new Int16Array(this.#heldBack))
    this.#heard.set(track, fresh)
    return fresh
  }

  #mix(frames: number): Uint8Array {
    const { channels } = this.#format
    const sums = new Int32Array(frames * channels)
    for (const { queue, channel } of this.#heard.values()) {
      queue.take(frames, (samples, at) => {
        for (let index = 0; index < samples.length; index += 1) {
          const place = (at + index) * channels + channel
          sums[place] = (sums[place] as number) + (samples[index] as number)
        }
      })
    }
    this.#frames += frames
    return this.#store(sums)
  }

  #store(sums: Int32Array): Uint8Array {
    const samples = Int16Array.from(sums, (sum) => Math.max(-LOUDEST - 1, Math.min(LOUDEST, sum)))
    const { codec } = this.#format
    if (codec === 'pcm_mulaw') return encodeMulaw(samples)
    return codec === 'pcm_alaw' ? encodeAlaw(samples) : new Uint8Array(samples.buffer)
  }
}
