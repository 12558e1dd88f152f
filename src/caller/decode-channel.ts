import { decodeWav } from '../audio/transcode/decode-wav.ts'

/** One channel of decoded audio. */
export interface ChannelAudio {
  /** −1 to 1. */
  readonly samples: Float32Array
  readonly sampleRateHz: number
  /** Of the file it comes from. */
  readonly channelCount: number
}

/** All channels of decoded audio, of one length, −1 to 1; none for a file without audio. */
export interface ChannelsAudio {
  readonly channels: readonly Float32Array[]
  readonly sampleRateHz: number
}

/** One channel of a WAV, decoded whole; silence of no length for one that has no such channel. */
export const decodeChannel = async (wav: AsyncIterable<Uint8Array>, channel = 0): Promise<ChannelAudio> => {
  const { channels, sampleRateHz } = await decodeChannels(wav)
  return { samples: channels[channel] ?? new Float32Array(), sampleRateHz, channelCount: channels.length }
}

/** Every channel of a WAV, decoded whole. */
export const decodeChannels = async (wav: AsyncIterable<Uint8Array>): Promise<ChannelsAudio> => {
  const blocks: (readonly Float32Array[])[] = []
  let sampleRateHz = 0
  for await (const block of decodeWav(wav)) {
    sampleRateHz = block.sampleRateHz
    blocks.push(block.channels)
  }
  const [first = []] = blocks
  return {
    channels: first.map((_, channel) => joined(blocks.map((block) => block[channel] as Float32Array))),
    sampleRateHz,
  }
}

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return samples
}
