import { encodeAlaw, encodeMulaw } from '../audio/codecs/g711.ts'
import { G722Encoder } from '../audio/codecs/g722.ts'
import { openOpusEncoder } from '../audio/codecs/opus-codec.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { FrameSource } from './frame-source.ts'
import { DELAY_MAX_MS } from './impairment.ts'
import { inOrder } from './in-order.ts'
import { MS_PER_SECOND, type ReadSignal, type SignalPlan } from './signal.ts'
import { renderSpeech } from './speech.ts'
import { renderTones } from './tones.ts'

/** Encodes the samples of one frame; `free` gives back what it holds. */
interface Encoder {
  encode(samples: Int16Array): Uint8Array
  /** Whether a frame depends on those before it, so that they are encoded {@link inOrder}. */
  readonly hasMemory: boolean
  free(): void
}

/** The payloads of a planned signal in one codec. Rejects as {@link openOpusEncoder} does. */
export const openFrameSource = async (codec: CallerCodec, plan: SignalPlan, frameMs: number): Promise<FrameSource> => {
  const encoder = await openEncoder(codec, frameMs, plan.kind)
  const render = plan.kind === 'speech' ? renderSpeech : renderTones
  const read = render(plan, codec.sampleRateHz)
  const frameSamples = (codec.sampleRateHz * frameMs) / MS_PER_SECOND
  const encode = (frame: number) =>
    encoder.encode(interleaved(read, frame * frameSamples, frameSamples, codec.channels))
  const frame = encoder.hasMemory ? inOrder(encode, Math.ceil((3 * DELAY_MAX_MS) / frameMs)) : encode
  return { frame, free: () => encoder.free() }
}

/** The same signal on every channel. */
const interleaved = (read: ReadSignal, from: number, count: number, channels: number): Int16Array => {
  const samples = new Int16Array(count)
  read(from, samples)
  return channels === 1
    ? samples
    : Int16Array.from({ length: count * channels }, (_, index) => samples[Math.floor(index / channels)] as number)
}

/** At half of it one tone of a few hundred begins late, or at the wrong pitch, whatever the application. */
const OPUS_BITRATE_BPS = 64_000

const openEncoder = async (
  { codec, channels }: CallerCodec,
  frameMs: number,
  kind: SignalPlan['kind'],
): Promise<Encoder> => {
  switch (codec) {
    case 'PCMU':
      return { encode: encodeMulaw, hasMemory: false, free: () => {} }
    case 'PCMA':
      return { encode: encodeAlaw, hasMemory: false, free: () => {} }
    case 'L16':
      return { encode: encodeL16, hasMemory: false, free: () => {} }
    case 'G722': {
      const encoder = new G722Encoder()
      return { encode: (samples) => encoder.encode(samples), hasMemory: true, free: () => {} }
    }
    case 'opus': {
      // An encoder for voices may take an onset for noise and smear it.
      const application = kind === 'speech' ? 'voip' : 'audio'
      const stream = { channels: channels === 2 ? 2 : 1, frameMs } as const
      const encoder = await openOpusEncoder({ ...stream, application, bitrateBps: OPUS_BITRATE_BPS })
      return { encode: (samples) => encoder.encode(samples), hasMemory: true, free: () => encoder.free() }
    }
  }
}

/** Big-endian (RFC 3551 §4.5.11). */
const encodeL16 = (samples: Int16Array): Uint8Array => {
  const bytes = new Uint8Array(2 * samples.length)
  const view = new DataView(bytes.buffer)
  for (const [index, sample] of samples.entries()) view.setInt16(2 * index, sample)
  return bytes
}
