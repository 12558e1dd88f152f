import { type OpusDecoder, openOpusDecoder } from '../codecs/opus-codec.ts'
import { opusDurationTicks } from '../codecs/opus-packet.ts'
import { readOggPackets } from '../containers/ogg-packets.ts'
import type { PcmBlock } from './pcm.ts'

const SAMPLE_RATE_HZ = 48_000
const FULL_SCALE = 32_768
const CHANNELS_AT = 9
/** The most that a decoder makes up, or finds in the packet behind a gap, at once: 120 ms. */
const RECOVERED_TICKS_MAX = 5_760
const CONCEALED_STEP_TICKS = 2_880

/**
 * Decodes what {@link OggOpusWriter} wrote of a live call. A packet that is a table of contents byte alone stands for audio that never came (RFC 7845 §4.1): the
 * decoder makes it up, and takes what the packet behind it repeats of it (in-band FEC, RFC 6716 §2.1.7). Every packet is as long as its ticks.
 */
export async function* decodeCapturedOpus(source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> {
  const packets = readOggPackets(source)
  const head = await packets.next()
  await packets.next()
  if (head.done) return
  const channels = head.value[CHANNELS_AT] === 2 ? 2 : 1
  const decoder = await openOpusDecoder({ channels })
  let missingTicks = 0
  try {
    for await (const packet of packets) {
      const ticks = opusDurationTicks(packet)
      if (ticks === undefined) continue
      if (packet.length === 1) {
        missingTicks += ticks
        continue
      }
      yield* recover(decoder, channels, missingTicks, packet)
      missingTicks = 0
      yield toBlock(decoder.decode(packet) ?? new Int16Array(ticks * channels), channels)
    }
    yield* conceal(decoder, channels, missingTicks)
  } finally {
    decoder.free()
  }
}

/** What is missing before a packet: made up, all but what the packet may know of. */
function* recover(
  decoder: OpusDecoder,
  channels: number,
  missingTicks: number,
  packet: Uint8Array,
): Generator<PcmBlock> {
  if (missingTicks === 0) return
  const known = missingTicks % CONCEALED_STEP_TICKS || Math.min(missingTicks, RECOVERED_TICKS_MAX)
  yield* conceal(decoder, channels, missingTicks - known)
  yield toBlock(decoder.recover(packet, known), channels)
}

function* conceal(decoder: OpusDecoder, channels: number, missingTicks: number): Generator<PcmBlock> {
  for (let left = missingTicks; left > 0; left -= CONCEALED_STEP_TICKS)
    yield toBlock(decoder.conceal(Math.min(left, CONCEALED_STEP_TICKS)), channels)
}

const toBlock = (samples: Int16Array, channels: number): PcmBlock => {
  const frames = samples.length / channels
  const planes = Array.from({ length: channels }, () => new Float32Array(frames))
  for (const [channel, plane] of planes.entries())
    for (let frame = 0; frame < frames; frame += 1)
      plane[frame] = (samples[frame * channels + channel] as number) / FULL_SCALE
  return { sampleRateHz: SAMPLE_RATE_HZ, channels: planes }
}
