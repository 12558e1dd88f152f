import { concatBytes } from '../concat-bytes.ts'
import { OGG_HEADER_BYTES, oggChecksum } from './ogg-page.ts'

/** An Opus packet and its length, in ticks of 48 kHz. */
export interface OpusFrame {
  readonly bytes: Uint8Array
  readonly ticks: number
}

/** Where a writer has come to; JSON. */
export interface OggOpusState {
  readonly serial: number
  readonly sequence: number
  /** Position at the end of the last packet. */
  readonly granule: number
}

const FIRST = 2
const LAST = 4
const CONTINUED = 1
const CRC_OFFSET = 22
const LACING_FULL = 255
const SEGMENTS_MAX = 255
/** A page is closed before it would hold more than a second: players seek by pages. */
const PAGE_TICKS_MAX = 48_000
const NO_GRANULE = -1
const VENDOR = 'Poulsen'
const INPUT_RATE_HZ = 48_000

/**
 * Writes Ogg/Opus (RFC 7845, RFC 3533) page by page; every page ends with a whole packet, so that the file is playable at each. The pre-skip is zero: we join
 * a stream that runs already, of which nothing is to be left out, and its length is then exactly that of its packets.
 */
export class OggOpusWriter {
  readonly #channels: number
  readonly #serial: number
  #sequence: number
  #granule: number

  /** `state` goes on where another writer has come to. `serial` is any 32-bit number. */
  constructor(options: {
    readonly channels: number
    readonly serial: number
    readonly state?: OggOpusState | undefined
  }) {
    const { channels, serial, state } = options
    this.#channels = channels
    this.#serial = state?.serial ?? serial
    this.#sequence = state?.sequence ?? 0
    this.#granule = state?.granule ?? 0
  }

  get state(): OggOpusState {
    return { serial: this.#serial, sequence: this.#sequence, granule: this.#granule }
  }

  /** The pages of the two headers. */
  head(): Uint8Array {
    return concatBytes([this.#page([opusHead(this.#channels)], FIRST, 0), this.#page([opusTags()], 0, 0)])
  }

  /** Pages with all of these packets. */
  append(frames: readonly OpusFrame[]): Uint8Array {
    const pages: Uint8Array[] = []
    let packets: Uint8Array[] = []
    let segments = 0
    let ticks = 0
    const close = () => {
      if (packets.length === 0) return
      this.#granule += ticks
      pages.push(this.#page(packets, 0, this.#granule))
      packets = []
      segments = 0
      ticks = 0
    }
    for (const frame of frames) {
      const wanted = segmentsOf(frame.bytes)
      if (segments + wanted > SEGMENTS_MAX || ticks + frame.ticks > PAGE_TICKS_MAX) close()
      if (wanted > SEGMENTS_MAX) {
        this.#granule += frame.ticks
        pages.push(...this.#longPacket(frame.bytes))
        continue
      }
      packets.push(frame.bytes)
      segments += wanted
      ticks += frame.ticks
    }
    close()
    return concatBytes(pages)
  }

  /** The page that ends the stream: without a packet, so that it can be written at any time. */
  finish(): Uint8Array {
    return this.#page([], LAST, this.#granule)
  }

  /** A packet of more than a page (65,025 bytes): all but its last page are full and end no packet. */
  #longPacket(bytes: Uint8Array): readonly Uint8Array[] {
    const pages: Uint8Array[] = []
    const full = SEGMENTS_MAX * LACING_FULL
    let at = 0
    for (; bytes.length - at >= full; at += full) {
      const lacing = new Uint8Array(SEGMENTS_MAX).fill(LACING_FULL)
      pages.push(this.#rawPage(lacing, bytes.subarray(at, at + full), at === 0 ? 0 : CONTINUED, NO_GRANULE))
    }
    const rest = bytes.subarray(at)
    pages.push(this.#rawPage(lacingOf([rest]), rest, CONTINUED, this.#granule))
    return pages
  }

  #page(packets: readonly Uint8Array[], flags: number, granule: number): Uint8Array {
    return this.#rawPage(lacingOf(packets), concatBytes(packets), flags, granule)
  }

  #rawPage(lacing: Uint8Array, payload: Uint8Array, flags: number, granule: number): Uint8Array {
    const page = new Uint8Array(OGG_HEADER_BYTES + lacing.length + payload.length)
    const view = new DataView(page.buffer)
    page.set(new TextEncoder().encode('OggS'))
    view.setUint8(5, flags)
    view.setBigInt64(6, BigInt(granule), true)
    view.setUint32(14, this.#serial, true)
    view.setUint32(18, this.#sequence, true)
    view.setUint8(26, lacing.length)
    page.set(lacing, OGG_HEADER_BYTES)
    page.set(payload, OGG_HEADER_BYTES + lacing.length)
    view.setUint32(CRC_OFFSET, oggChecksum(page), true)
    this.#sequence += 1
    return page
  }
}

const segmentsOf = (packet: Uint8Array): number => Math.floor(packet.length / LACING_FULL) + 1

const lacingOf = (packets: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(
    packets.flatMap((packet) => [
      ...Array.from({ length: segmentsOf(packet) - 1 }, () => LACING_FULL),
      packet.length % LACING_FULL,
    ]),
  )

/** RFC 7845 §5.1, mapping family 0. */
const opusHead = (channels: number): Uint8Array => {
  const head = new Uint8Array(19)
  const view = new DataView(head.buffer)
  head.set(new TextEncoder().encode('OpusHead'))
  view.setUint8(8, 1)
  view.setUint8(9, channels)
  view.setUint32(12, INPUT_RATE_HZ, true)
  return head
}

/** RFC 7845 §5.2, without comments. */
const opusTags = (): Uint8Array => {
  const vendor = new TextEncoder().encode(VENDOR)
  const tags = new Uint8Array(16 + vendor.length)
  tags.set(new TextEncoder().encode('OpusTags'))
  new DataView(tags.buffer).setUint32(8, vendor.length, true)
  tags.set(vendor, 12)
  return tags
}
