import { createSocket } from 'node:dgram'
import { Readable } from 'node:stream'
import { encodeAlaw, encodeMulaw } from '../../src/audio/codecs/g711.ts'
import { formatRtp } from '../../src/audio/rtp/packet.ts'
import type { SrtpKey } from '../../src/audio/srtp/srtp-key.ts'
import { SrtpSender } from '../../src/audio/srtp/srtp-sender.ts'
import { decodeWav } from '../../src/audio/transcode/decode-wav.ts'
import type { MediaPorts, StreamPlan } from '../../src/capture/call-recorder.ts'

const PACKET_TICKS = 160

/** A stream of a session; its label is its channel. */
export const plan = (channel: number, codec: 'PCMU' | 'PCMA' = 'PCMU'): StreamPlan => ({
  format: { codec, payloadType: codec === 'PCMU' ? 0 : 8, clockRateHz: 8000, channels: 1 },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: 9, rtcpPort: 9 },
  isRtcpMultiplexed: false,
  isHeld: false,
  label: `${channel}`,
  channel,
})

/** A level that is this stream's alone, in a codec. */
export const levelOf = (stream: number): number => 2_000 * (stream + 1)
const payloadOf = (stream: number, codec: 'PCMU' | 'PCMA' = 'PCMU'): Uint8Array =>
  (codec === 'PCMU' ? encodeMulaw : encodeAlaw)(new Int16Array(PACKET_TICKS).fill(levelOf(stream)))

/** One sender of a session, in real time. */
export class Talker {
  readonly #socket = createSocket('udp4')
  readonly #stream: number
  readonly #codec: 'PCMU' | 'PCMA'
  readonly #sender: SrtpSender | undefined
  #sequence = 0

  constructor(stream: number, { codec = 'PCMU', key }: { codec?: 'PCMU' | 'PCMA'; key?: SrtpKey } = {}) {
    this.#stream = stream
    this.#codec = codec
    this.#sender = key && new SrtpSender(key)
  }

  packet(): Uint8Array {
    const place = { sequence: this.#sequence, timestamp: this.#sequence * PACKET_TICKS }
    this.#sequence += 1
    const payloadType = this.#codec === 'PCMU' ? 0 : 8
    const plain = formatRtp(
      { payloadType, marker: false, ssrc: this.#stream + 1, ...place },
      payloadOf(this.#stream, this.#codec),
    )
    return this.#sender ? this.#sender.sealRtp(plain) : plain
  }

  send(to: MediaPorts, bytes = this.packet()): void {
    this.#socket.send(bytes, to.rtpPort, to.address)
  }

  close(): void {
    this.#socket.close()
  }
}

/** The level of each channel at a time, 0 to 32767. */
export const levelsAt = async (bytes: Buffer, atMs: number): Promise<readonly number[]> => {
  let at = 0
  for await (const { channels, sampleRateHz } of decodeWav(Readable.from([bytes]))) {
    const wanted = Math.round((atMs * sampleRateHz) / 1000) - at
    at += channels[0]?.length ?? 0
    if (wanted < (channels[0]?.length ?? 0))
      return channels.map((samples) => Math.round((samples[wanted] ?? 0) * 32_768))
  }
  return []
}
