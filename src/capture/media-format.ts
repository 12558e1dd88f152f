import type { PayloadFormat } from '../audio/codecs/codec.ts'
import { opusDurationTicks } from '../audio/codecs/opus-packet.ts'
import type { FileEncoder } from '../audio/timeline/file-encoder.ts'
import { FrameTrack } from '../audio/timeline/frame-track.ts'
import { OggOpusEncoder } from '../audio/timeline/ogg-opus-encoder.ts'
import { SampleTrack } from '../audio/timeline/sample-track.ts'
import type { Track } from '../audio/timeline/track.ts'
import { WavEncoder } from '../audio/timeline/wav-encoder.ts'
import type { AudioFormat } from '../domain/media-object.ts'

/** How a stream of one codec is laid out and stored: as received where a container takes it, G.722 as PCM. */
export interface MediaFormat extends Omit<AudioFormat, 'durationMs'> {
  readonly clockRateHz: number
  /** A track; `edgeTicks` goes on after a crash. */
  readonly openTrack: (edgeTicks?: number) => Track
  /** An encoder; `saved` goes on after a crash. */
  readonly openEncoder: (saved?: unknown) => FileEncoder
}

const BYTES_PER_L16_SAMPLE = 2
const G722_SAMPLES_PER_TICK = 2
/** Of the one stream in a file: it has to differ from nothing. */
const SERIAL = 1

/** The storage of a codec. */
export const mediaFormatOf = (format: PayloadFormat): MediaFormat => {
  const { codec, clockRateHz, channels } = format
  if (codec === 'opus') return opusFormat(format)
  const wav = wavCodecOf(codec)
  const samplesPerTick = codec === 'G722' ? G722_SAMPLES_PER_TICK : 1
  const sampleRateHz = clockRateHz * samplesPerTick
  const bytesPerTick = codec === 'L16' ? BYTES_PER_L16_SAMPLE * channels : 1
  return {
    format: 'wav',
    codec: wav,
    sampleRateHz,
    channels,
    clockRateHz,
    openTrack: (edgeTicks) => new SampleTrack({ bytesPerTick, clockRateHz }, edgeTicks),
    openEncoder: () => new WavEncoder({ payload: codec, codec: wav, channels, sampleRateHz, samplesPerTick }),
  }
}

const wavCodecOf = (codec: PayloadFormat['codec']): 'pcm_mulaw' | 'pcm_alaw' | 'pcm_s16le' =>
  codec === 'PCMU' ? 'pcm_mulaw' : codec === 'PCMA' ? 'pcm_alaw' : 'pcm_s16le'

const opusFormat = ({ clockRateHz, channels }: PayloadFormat): MediaFormat => ({
  format: 'ogg',
  codec: 'opus',
  sampleRateHz: clockRateHz,
  channels,
  clockRateHz,
  openTrack: (edgeTicks) => new FrameTrack({ clockRateHz, durationOf: opusDurationTicks }, edgeTicks),
  openEncoder: (saved) => new OggOpusEncoder({ channels, serial: SERIAL, saved }),
})
