import type { PayloadFormat } from '../audio/codecs/codec.ts'
import { opusDurationTicks } from '../audio/codecs/opus-packet.ts'
import type { FileEncoder } from '../audio/timeline/file-encoder.ts'
import { FrameTrack } from '../audio/timeline/frame-track.ts'
import { linearRateOf, openLinearDecoder } from '../audio/timeline/linear-decoder.ts'
import { MixEncoder, type MixFormat, type MixLine } from '../audio/timeline/mix-encoder.ts'
import { OggOpusEncoder } from '../audio/timeline/ogg-opus-encoder.ts'
import { SampleTrack } from '../audio/timeline/sample-track.ts'
import type { Track } from '../audio/timeline/track.ts'
import { WavEncoder } from '../audio/timeline/wav-encoder.ts'
import type { AudioFormat } from '../domain/media-object.ts'
import type { CallRequest, StreamPlan } from './call-recorder.ts'

/** What a recording's file is made of: one stream, kept as received where a container takes it, or several that are mixed into channels. */
export interface MediaPlan {
  readonly streams: readonly StreamPlan[]
  /** Present for a recording of several streams. */
  readonly mix?: MixFormat
}

const BYTES_PER_L16_SAMPLE = 2
const G722_SAMPLES_PER_TICK = 2
/** Of the one stream in a file: it has to differ from nothing. */
const SERIAL = 1
/** A clock that is followed moves frames over each other by so little. */
const OVERLAP_MS = 2
/** More than telephones have; a WAV of two such channels is as long as a WAV should get. */
const MIX_RATE_MAX_HZ = 48_000

/** How streams are mixed: G.711 stays G.711 when all are of one law, else 16-bit PCM at the highest rate that one of them has, or at `rateHz`. */
export const mixFormatOf = (streams: readonly StreamPlan[], channels: number, rateHz?: number): MixFormat => {
  const codecs = new Set(streams.map(({ format }) => format.codec))
  const rates = streams.map(({ format }) => linearRateOf(format))
  const sampleRateHz = rateHz ?? Math.min(MIX_RATE_MAX_HZ, Math.max(...rates))
  const isOne = codecs.size === 1
  if (isOne && codecs.has('PCMU')) return { codec: 'pcm_mulaw', channels, sampleRateHz }
  if (isOne && codecs.has('PCMA')) return { codec: 'pcm_alaw', channels, sampleRateHz }
  return { codec: 'pcm_s16le', channels, sampleRateHz }
}

/** How a call's streams are mixed; undefined for one that is kept as received. */
export const mixOf = ({ layout, streams, mixRateHz }: CallRequest): MixFormat | undefined => {
  if (layout !== 'stereo' && layout !== 'mono') return undefined
  const isStereo = layout === 'stereo' && streams.length > 1
  const channels = isStereo ? Math.max(2, ...streams.map(({ channel = 0 }) => channel + 1)) : 1
  return mixFormatOf(streams, channels, mixRateHz)
}

/** What kind of file a recording becomes. */
export const audioFormatOf = ({ streams, mix }: MediaPlan): Omit<AudioFormat, 'durationMs'> => {
  if (mix) return { format: 'wav', ...mix }
  const { codec, clockRateHz, channels } = formatOfFirst(streams)
  if (codec === 'opus') return { format: 'ogg', codec: 'opus', sampleRateHz: clockRateHz, channels }
  return { format: 'wav', codec: wavCodecOf(codec), sampleRateHz: clockRateHz * samplesPerTick(codec), channels }
}

/** A track for a stream of this format; `edgeTicks` goes on after a crash. */
export const openTrack = (
  { codec, clockRateHz, channels }: PayloadFormat,
  { isMixed, edgeTicks }: { readonly isMixed: boolean; readonly edgeTicks?: number | undefined },
): Track => {
  if (codec !== 'opus') {
    const bytesPerTick = codec === 'L16' ? BYTES_PER_L16_SAMPLE * channels : 1
    return new SampleTrack({ bytesPerTick, clockRateHz }, edgeTicks)
  }
  const overlapTicks = isMixed ? (OVERLAP_MS * clockRateHz) / 1000 : 0
  return new FrameTrack({ clockRateHz, durationOf: opusDurationTicks, overlapTicks }, edgeTicks)
}

/** A recording's encoder; `saved` goes on after a crash. */
export const openEncoder = async ({ streams, mix }: MediaPlan, saved?: unknown): Promise<FileEncoder> => {
  if (mix) return await openMix({ streams, mix }, (saved as { frames: number } | undefined)?.frames)
  const { codec, clockRateHz, channels } = formatOfFirst(streams)
  if (codec === 'opus') return new OggOpusEncoder({ channels, serial: SERIAL, saved })
  const sampleRateHz = clockRateHz * samplesPerTick(codec)
  return new WavEncoder({
    payload: codec,
    codec: wavCodecOf(codec),
    channels,
    sampleRateHz,
    samplesPerTick: samplesPerTick(codec),
  })
}

const openMix = async ({ streams, mix }: Required<MediaPlan>, frames: number | undefined): Promise<MixEncoder> => {
  const encoder = new MixEncoder(mix, frames)
  try {
    for (const [track, plan] of streams.entries()) encoder.add(track, await openMixLine(mix, plan))
    return encoder
  } catch (error) {
    encoder.free()
    throw error
  }
}

/** What a mix needs to know of one more track. */
export const openMixLine = async ({ sampleRateHz, channels }: MixFormat, plan: StreamPlan): Promise<MixLine> => ({
  decoder: await openLinearDecoder(plan.format, sampleRateHz),
  channel: Math.min(plan.channel ?? 0, channels - 1),
})

const formatOfFirst = (streams: readonly StreamPlan[]): PayloadFormat => (streams[0] as StreamPlan).format

const samplesPerTick = (codec: PayloadFormat['codec']): number => (codec === 'G722' ? G722_SAMPLES_PER_TICK : 1)

const wavCodecOf = (codec: PayloadFormat['codec']): MixFormat['codec'] =>
  codec === 'PCMU' ? 'pcm_mulaw' : codec === 'PCMA' ? 'pcm_alaw' : 'pcm_s16le'
