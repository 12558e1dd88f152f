import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isRtcp, makeRtpHeader, parseRtp } from '../../src/audio/rtp/packet.ts'
import type { SrtpKey } from '../../src/audio/srtp/srtp-key.ts'
import { SrtpReceiver } from '../../src/audio/srtp/srtp-receiver.ts'
import { MULAW } from '../../src/audio/transcode/g711.ts'

/** An RTP packet that came. */
export interface SunkPacket {
  readonly ssrc: number
  readonly sequence: number
  readonly timestamp: number
  readonly payloadType: number
  readonly payload: Uint8Array
  /** The packet as it is in the clear. */
  readonly bytes: Uint8Array
  /** On the clock of `performance.now()`. */
  readonly atMs: number
}

/** Takes what comes to one loopback port, RTP and RTCP, and in the clear what comes under a key. */
export class MediaSink {
  readonly socket: Socket
  readonly packets: SunkPacket[] = []
  readonly reports: Uint8Array[] = []
  /** What was neither, or not authentic. */
  readonly refused: string[] = []
  /** Where the last packet came from. */
  from: { readonly address: string; readonly port: number } | undefined
  #receiver: SrtpReceiver | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', (bytes, from) => {
      this.from = from
      this.#take(Uint8Array.from(bytes))
    })
  }

  static async open(): Promise<MediaSink> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.setRecvBufferSize(1 << 21)
    return new MediaSink(socket)
  }

  get port(): number {
    return this.socket.address().port
  }

  /** Media comes under this key from now on. */
  useKey(key: SrtpKey): void {
    if (this.#receiver) this.#receiver.rekey(key)
    else this.#receiver = new SrtpReceiver(key)
  }

  close(): void {
    this.socket.close()
  }

  #take(sealed: Uint8Array): void {
    const isReport = isRtcp(sealed)
    const bytes = this.#receiver ? this.#receiver[isReport ? 'openRtcp' : 'openRtp'](sealed) : sealed
    if (typeof bytes === 'string') this.refused.push(bytes)
    else if (isReport) this.reports.push(bytes)
    else this.#takeRtp(bytes)
  }

  #takeRtp(bytes: Uint8Array): void {
    const header = makeRtpHeader()
    const refusal = parseRtp(bytes, header)
    if (refusal !== undefined) {
      this.refused.push(refusal)
      return
    }
    const { ssrc, sequence, timestamp, payloadType, payloadOffset, payloadEnd } = header
    const payload = bytes.slice(payloadOffset, payloadEnd)
    this.packets.push({ ssrc, sequence, timestamp, payloadType, payload, bytes, atMs: performance.now() })
  }
}

/** Puts packets of µ-law of one source at the places that their timestamps say. */
export const mulawAudioOf = (packets: readonly SunkPacket[], durationMs: number): Float32Array => {
  const first = packets.reduce((a, b) => (((b.timestamp - a.timestamp) | 0) < 0 ? b : a))
  const samples = new Float32Array(durationMs * 8)
  for (const { timestamp, payload } of packets) {
    const codes = Float32Array.from(payload, (code) => MULAW[code] as number)
    samples.set(codes, (timestamp - first.timestamp) >>> 0)
  }
  return samples
}
