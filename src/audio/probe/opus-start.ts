import type { OggPage } from '../containers/ogg-page.ts'
import { opusPacketSamples } from '../containers/opus-packet.ts'

/** Segments of this length go on in the next (RFC 3533 §6). */
const GOES_ON = 255

/**
 * Where an Opus stream's granule positions begin. A stream that was joined while it was live does not begin at 0: what its first audio page says,
 * less what is in its packets, was before (RFC 7845 §4.3).
 */
export class OpusStart {
  #samples = 0
  #isInPacket = false
  #hasTags = false
  #packetSamples = 0
  /** Known once a page with audio has ended a packet. */
  granule: number | undefined

  /** Takes the pages after the stream's first, in order. */
  add({ lacing, payload, granule, isLast }: OggPage): void {
    if (this.granule !== undefined) return
    let offset = 0
    for (const length of lacing) {
      if (!this.#isInPacket) this.#packetSamples = opusPacketSamples(payload[offset] ?? 0, payload[offset + 1] ?? 0)
      offset += length
      this.#isInPacket = length === GOES_ON
      if (!this.#isInPacket) this.#endPacket()
    }
    // The last page may say less than it holds: that is how a stream's end is trimmed, not where it began.
    if (this.#samples > 0 && granule >= 0) this.granule = isLast ? 0 : Math.max(0, granule - this.#samples)
  }

  #endPacket(): void {
    if (this.#hasTags) this.#samples += this.#packetSamples
    this.#hasTags = true
  }
}
