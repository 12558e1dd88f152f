import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setInterval as interval } from 'node:timers/promises'
import type { CodecName } from '../../../src/audio/codecs/codec.ts'
import { encodeAlaw, encodeMulaw } from '../../../src/audio/codecs/g711.ts'
import { G722Encoder } from '../../../src/audio/codecs/g722.ts'
import { openOpusEncoder } from '../../../src/audio/codecs/opus-codec.ts'
import { formatRtp } from '../../../src/audio/rtp/packet.ts'
import type { SrtpKey } from '../../../src/audio/srtp/srtp-key.ts'
import { SrtpSender } from '../../../src/audio/srtp/srtp-sender.ts'
import { type CallerCodec, callerCodecs } from '../../../src/caller/caller-codecs.ts'
import type { FrameSource } from '../../../src/caller/frame-source.ts'

const FRAME_MS = 20
const MS_PER_SECOND = 1000
const AMPLITUDE = 10_000

/** Where and how one tone is sent. */
export interface ToneTarget {
  readonly port: number
  readonly codec: CodecName
  readonly payloadType: number
  readonly frequencyHz: number
  readonly durationMs: number
  /** Sends SRTP with it. */
  readonly key?: SrtpKey
}

/** One socket that sends one tone as RTP, at the pace of its time. */
export class ToneStream {
  readonly #socket: Socket
  readonly #ssrc: number
  #sequence = 100
  #timestamp = 1_000

  private constructor(socket: Socket, ssrc: number) {
    this.#socket = socket
    this.#ssrc = ssrc
  }

  static async open(ssrc: number): Promise<ToneStream> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new ToneStream(socket, ssrc)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Sends a tone; resolves when its last packet is out. */
  async send(target: ToneTarget): Promise<void> {
    const { port, codec, payloadType, durationMs, key } = target
    const { clockRateHz } = codecOf(codec)
    const frames = await openTone(target)
    const sealer = key && new SrtpSender(key)
    const count = durationMs / FRAME_MS
    let frame = 0
    for await (const _ of interval(FRAME_MS)) {
      const header = { payloadType, marker: frame === 0, sequence: this.#sequence, timestamp: this.#timestamp }
      const packet = formatRtp({ ...header, ssrc: this.#ssrc }, frames.frame(frame))
      await this.#send(sealer ? sealer.sealRtp(packet) : packet, port)
      this.#sequence += 1
      this.#timestamp += (clockRateHz * FRAME_MS) / MS_PER_SECOND
      frame += 1
      if (frame >= count) break
    }
    frames.free()
  }

  /** A socket sends a turn later than it is asked to: a BYE that is written at once would overtake the packet. */
  async #send(packet: Uint8Array, port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.send(packet, port, '127.0.0.1', () => resolve()))
  }

  close(): void {
    this.#socket.close()
  }
}

const codecOf = (name: CodecName): CallerCodec => callerCodecs([name])[0] as CallerCodec

/** The payloads of one sine, in any of our codecs. */
const openTone = async ({ codec, frequencyHz }: ToneTarget): Promise<FrameSource> => {
  const { sampleRateHz, channels } = codecOf(codec)
  const length = (sampleRateHz * FRAME_MS) / MS_PER_SECOND
  const samples = (frame: number) =>
    Int16Array.from({ length: length * channels }, (_, index) => {
      const at = frame * length + Math.floor(index / channels)
      return Math.round(AMPLITUDE * Math.sin((2 * Math.PI * frequencyHz * at) / sampleRateHz))
    })
  const nothing = () => {}
  if (codec === 'PCMU') return { frame: (frame) => encodeMulaw(samples(frame)), free: nothing }
  if (codec === 'PCMA') return { frame: (frame) => encodeAlaw(samples(frame)), free: nothing }
  if (codec === 'G722') {
    const encoder = new G722Encoder()
    return { frame: (frame) => encoder.encode(samples(frame)), free: nothing }
  }
  const encoder = await openOpusEncoder({ channels: 2, frameMs: FRAME_MS, application: 'audio', bitrateBps: 64_000 })
  return { frame: (frame) => encoder.encode(samples(frame)), free: () => encoder.free() }
}
