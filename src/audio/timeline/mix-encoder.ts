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

interface Line extends MixLine {
  /** The frame at which the track begins. */
  readonly fromFrame: number
  readonly queue: SampleQueue
  /** It has had its first piece. */
  isHeard: boolean
}

const LOUDEST = 32_767
const EMPTY = new Uint8Array(0)

/**
 * Writes several tracks into one growing WAV: each in its channel, several in one channel added up. A frame is written when every track has come to it. What
 * it holds back between calls is less than a packet, and is not saved: who goes on from {@link MixEncoder.save} begins with the audio behind the last frame.
 */
export class MixEncoder implements FileEncoder {
  readonly #format: MixFormat
  readonly #lines = new Map<number, Line>()
  #frames: number

  /** `frames` of the file are there already. */
  constructor(format: MixFormat, frames = 0) {
    this.#format = format
    this.#frames = frames
  }

  /** Says how a track is decoded and where it goes. It begins at a frame that is not written yet; frames behind that wait for its pieces. */
  add(track: number, line: MixLine, fromFrame = this.#frames): void {
    this.#lines.set(track, { ...line, fromFrame, queue: new SampleQueue(), isHeard: false })
  }

  begin(): Uint8Array {
    return formatWavHeader({ ...this.#format, dataBytes: undefined })
  }

  encode(pieces: readonly Piece[]): Uint8Array {
    for (const piece of pieces) this.#hear(piece)
    return this.#mix(Math.min(...this.#ends()) - this.#frames)
  }

  finish(byteSize: number): { readonly tail: Uint8Array; readonly head: Uint8Array } {
    for (const { decoder, queue } of this.#lines.values()) queue.push(decoder.finish())
    const audio = this.#mix(Math.max(...this.#ends()) - this.#frames)
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
    for (const { decoder } of this.#lines.values()) decoder.free()
    this.#lines.clear()
  }

  #hear(piece: Piece): void {
    const line = this.#lines.get(piece.track ?? 0)
    if (!line) return
    // What others have that is not written yet lies before its beginning.
    if (!line.isHeard) line.queue.push(new Int16Array(Math.max(0, line.fromFrame - this.#frames)))
    line.isHeard = true
    line.queue.push(line.decoder.decode(piece))
  }

  /** The frame that each track has come to. */
  #ends(): readonly number[] {
    const ends = [...this.#lines.values()].map(({ queue, isHeard, fromFrame }) =>
      isHeard ? this.#frames + queue.length : Math.max(this.#frames, fromFrame),
    )
    return ends.length === 0 ? [this.#frames] : ends
  }

  #mix(frames: number): Uint8Array {
    if (frames === 0) return EMPTY
    const { channels } = this.#format
    const sums = new Int32Array(frames * channels)
    for (const { queue, channel } of this.#lines.values()) {
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
    // A loop: what typed arrays have for it takes many times as long.
    const samples = new Int16Array(sums.length)
    for (let index = 0; index < samples.length; index += 1)
      samples[index] = Math.max(-LOUDEST - 1, Math.min(LOUDEST, sums[index] as number))
    const { codec } = this.#format
    if (codec === 'pcm_mulaw') return encodeMulaw(samples)
    return codec === 'pcm_alaw' ? encodeAlaw(samples) : new Uint8Array(samples.buffer)
  }
}
