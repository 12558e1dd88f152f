import type { PacketSource } from './stream-receiver.ts'

/** A packet that came before somebody was there to hear it. */
export interface EarlyPacket {
  readonly stream: number
  readonly bytes: Uint8Array
  readonly from: PacketSource
  readonly nowMs: number
}

/** Packets of one stream that are kept: a second of them. */
const KEPT_MAX = 50
/** What is older was no beginning of what begins now: ports may wait for hours. */
const AGE_MAX_MS = 1_000

/**
 * The newest packets of streams that are not recorded yet. A peer may send as soon as it knows where to, which can be before the recording has begun (an INVITE without
 * an offer), or before the stream has joined it.
 */
export class EarlyPackets {
  readonly #streams = new Map<number, EarlyPacket[]>()

  keep(packet: EarlyPacket): void {
    const kept = this.#streams.get(packet.stream) ?? []
    kept.push(packet)
    if (kept.length > KEPT_MAX) kept.shift()
    this.#streams.set(packet.stream, kept)
  }

  /** Takes out what is kept of the streams before a number, each in order; what is old is left out. */
  take(streamCount: number, nowMs: number): readonly EarlyPacket[] {
    const taken = [...this.#streams].filter(([stream]) => stream < streamCount)
    for (const [stream] of taken) this.#streams.delete(stream)
    return taken.flatMap(([, packets]) => packets).filter((packet) => nowMs - packet.nowMs <= AGE_MAX_MS)
  }
}
