import { decodeWav } from '../audio/transcode/decode-wav.ts'

/** One channel of decoded audio. */
export interface ChannelAudio {
  /** −1 to 1. */
  readonly samples: Float32Array
  readonly sampleRateHz: number
  /** Of the file it comes from. */
  readonly channelCount: number
}

/** One channel of a WAV, decoded whole; silence of no length for one that has no such channel. */
export const decodeChannel = async (wav: AsyncIterable<Uint8Array>, channel = 0): Promise<ChannelAudio> => {
  const blocks: Float32Array[] = []
  let sampleRateHz = 0
  let channelCount = 0
  for await (const block of decodeWav(wav)) {
    sampleRateHz = block.sampleRateHz
    channelCount = block.channels.length
    blocks.push(block.channels[channel] ?? new Float32Array())
  }
  const samples = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const block of blocks) {
    samples.set(block, at)
    at += block.length
  }
  return { samples, sampleRateHz, channelCount }
}
