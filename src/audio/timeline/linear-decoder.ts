import type { PayloadFormat } from '../codecs/codec.ts'
import { G722Decoder } from '../codecs/g722.ts'
import { openOpusDecoder } from '../codecs/opus-codec.ts'
import { ALAW, MULAW } from '../transcode/g711.ts'
import { Resampler } from '../transcode/resampler.ts'
import type { Piece } from './track.ts'

/** Turns the pieces of one track into samples of one channel at the rate of a file, as long as the pieces are. What it has heard before shapes what follows. */
export interface LinearDecoder {
  /** Samples that these pieces complete; where rates differ the last few come with the next call. */
  decode(piece: Piece): Int16Array
  /** The samples that are left. */
  finish(): Int16Array
  /** Gives back what it holds outside of the heap. */
  free(): void
}

/** Decodes payloads of one codec at its own rate. */
interface PayloadDecoder {
  readonly sampleRateHz: number
  decode(bytes: Uint8Array): Int16Array
  /** What is heard in place of the next samples, which never came; fewer when it is silence from there on. */
  conceal(samples: number, concealedBefore: number): Int16Array
  free(): void
}

const FULL_SCALE = 32_768
const NEGATIVE_ZERO = 0x7f
/** µ-law has two zeros; the negative one lies one beside, so that encoding gives it back as it was. */
const LINEAR_MULAW = Int16Array.from(MULAW, (sample, code) => (code === NEGATIVE_ZERO ? -1 : sample * FULL_SCALE))
const LINEAR_ALAW = Int16Array.from(ALAW, (sample) => sample * FULL_SCALE)
const G722_HZ = 16_000
/** What a channel of a telephone call needs of Opus, at a third of the samples. */
export const OPUS_MIX_HZ = 16_000
const OPUS_FULL_HZ = 48_000
const OPUS_CONCEAL_MAX_MS = 200
const OPUS_QUANTUM_MS = 2.5
const OPUS_STEP_MAX_MS = 60
/** Gaps up to this are steps of a clock that is being followed: the sample before goes on. */
export const SMOOTHED_GAP_MS = 2.5
const EMPTY = new Int16Array(0)

/** Samples a second that a stream of this codec is decoded to, into a file of a rate: Opus has two to choose from. */
export const linearRateOf = ({ codec, clockRateHz }: PayloadFormat, fileRateHz = 0): number => {
  if (codec === 'opus') return fileRateHz > OPUS_MIX_HZ ? OPUS_FULL_HZ : OPUS_MIX_HZ
  return codec === 'G722' ? G722_HZ : clockRateHz
}

/** A decoder for a stream of this format into a file of this rate. */
export const openLinearDecoder = async (format: PayloadFormat, sampleRateHz: number): Promise<LinearDecoder> => {
  const own = linearRateOf(format, sampleRateHz)
  const decoder = new PieceDecoder(await openPayloadDecoder(format, own), format.clockRateHz)
  return own === sampleRateHz ? decoder : resampled(decoder, new Resampler(own, sampleRateHz))
}

const openPayloadDecoder = async (format: PayloadFormat, sampleRateHz: number): Promise<PayloadDecoder> => {
  const plain = { sampleRateHz, conceal: () => EMPTY, free: () => {} }
  switch (format.codec) {
    case 'PCMU':
      return { ...plain, decode: (bytes) => expand(bytes, LINEAR_MULAW) }
    case 'PCMA':
      return { ...plain, decode: (bytes) => expand(bytes, LINEAR_ALAW) }
    case 'L16':
      return { ...plain, decode: (bytes) => readL16(bytes, format.channels) }
    case 'G722': {
      const g722 = new G722Decoder()
      return { ...plain, decode: (bytes) => g722.decode(bytes) }
    }
    case 'opus':
      return await openOpus(sampleRateHz === OPUS_FULL_HZ ? OPUS_FULL_HZ : OPUS_MIX_HZ)
  }
}

const openOpus = async (sampleRateHz: 16_000 | 48_000): Promise<PayloadDecoder> => {
  const opus = await openOpusDecoder({ channels: 1, sampleRateHz })
  const perMs = sampleRateHz / 1000
  return {
    sampleRateHz,
    decode: (bytes) => opus.decode(bytes) ?? EMPTY,
    conceal: (samples, concealedBefore) => {
      const leftMs = Math.min(samples, OPUS_CONCEAL_MAX_MS * perMs - concealedBefore) / perMs
      const stepMs = Math.min(OPUS_STEP_MAX_MS, Math.floor(leftMs / OPUS_QUANTUM_MS) * OPUS_QUANTUM_MS)
      return stepMs > 0 ? opus.conceal(stepMs * perMs) : EMPTY
    },
    free: () => opus.free(),
  }
}

/** Lays decoded payloads and gaps out so that every piece has as many samples as its ticks say, over all pieces together. */
class PieceDecoder implements LinearDecoder {
  readonly #payloads: PayloadDecoder
  readonly #samplesPerTick: number
  #ticks = 0
  #samples = 0
  #last = 0
  #concealed = 0

  constructor(payloads: PayloadDecoder, clockRateHz: number) {
    this.#payloads = payloads
    this.#samplesPerTick = payloads.sampleRateHz / clockRateHz
  }

  decode(piece: Piece): Int16Array {
    this.#ticks += piece.ticks
    const endSamples = Math.round(this.#ticks * this.#samplesPerTick)
    const count = endSamples - this.#samples
    this.#samples = endSamples
    const samples = piece.kind === 'audio' ? this.#audio(piece.bytes, count) : this.#gap(count)
    if (samples.length > 0) this.#last = samples[samples.length - 1] as number
    return samples
  }

  finish(): Int16Array {
    return EMPTY
  }

  free(): void {
    this.#payloads.free()
  }

  #audio(bytes: Uint8Array, count: number): Int16Array {
    this.#concealed = 0
    const decoded = this.#payloads.decode(bytes)
    if (decoded.length === count) return decoded
    // What overlaps the packet before is left out; roundings are made up for at the beginning.
    if (decoded.length > count) return decoded.subarray(decoded.length - count)
    const filled = new Int16Array(count).fill(this.#last)
    filled.set(decoded, count - decoded.length)
    return filled
  }

  #gap(count: number): Int16Array {
    const samples = new Int16Array(count)
    if (count <= (SMOOTHED_GAP_MS * this.#payloads.sampleRateHz) / 1000) return samples.fill(this.#last)
    for (let at = 0; at < count; ) {
      const concealed = this.#payloads.conceal(count - at, this.#concealed)
      if (concealed.length === 0) break
      samples.set(concealed.subarray(0, count - at), at)
      at += concealed.length
      this.#concealed += concealed.length
    }
    return samples
  }
}

const resampled = (decoder: LinearDecoder, resampler: Resampler): LinearDecoder => ({
  decode: (piece) => {
    const samples = decoder.decode(piece)
    if (piece.kind === 'audio') return toInt16(resampler.append(toFloat(samples)))
    // What is silent to its end costs nothing to convert: a hold may last for hours.
    const audible = samples.findLastIndex((sample) => sample !== 0) + 1
    const first = resampler.append(toFloat(samples.subarray(0, audible)))
    return toInt16(concatFloats(first, resampler.appendSilence(samples.length - audible)))
  },
  finish: () => toInt16(resampler.finish()),
  free: () => decoder.free(),
})

const concatFloats = (first: Float32Array, second: Float32Array): Float32Array => {
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const expand = (bytes: Uint8Array, table: Int16Array): Int16Array => {
  const samples = new Int16Array(bytes.length)
  for (let index = 0; index < samples.length; index += 1) samples[index] = table[bytes[index] as number] as number
  return samples
}

/** One channel of L16 (RFC 3551 §4.5.11): the mean of two. */
const readL16 = (bytes: Uint8Array, channels: number): Int16Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const samples = new Int16Array(Math.floor(bytes.length / (2 * channels)))
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0
    for (let channel = 0; channel < channels; channel += 1) sum += view.getInt16(2 * (index * channels + channel))
    samples[index] = sum / channels
  }
  return samples
}

const toFloat = (samples: Int16Array): Float32Array => new Float32Array(samples)

/** A loop: what typed arrays have for it takes many times as long. */
const toInt16 = (samples: Float32Array): Int16Array => {
  const rounded = new Int16Array(samples.length)
  for (let index = 0; index < rounded.length; index += 1) {
    const sample = Math.round(samples[index] as number)
    rounded[index] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, sample))
  }
  return rounded
}
