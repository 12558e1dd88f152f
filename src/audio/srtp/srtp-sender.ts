import { makeTransforms } from './make-transforms.ts'
import { estimateIndex, nextRound } from './packet-index.ts'
import { type PacketTrailer, rtcpTrailer, rtpTrailer } from './packet-trailer.ts'
import { RTCP_CLEAR_BYTES, rtpHeaderEnd, uint16, uint32 } from './read-header.ts'
import { SOURCES_MAX } from './source-windows.ts'
import type { SrtpKey } from './srtp-key.ts'
import type { Transform } from './transform.ts'

const ENCRYPTED = 0x80000000
const RTCP_INDEXES = 0x80000000

/** Protects what we send under our key (RFC 3711 §3.3). One for each media stream, with its sources; two of one key must never send the same source. */
export class SrtpSender {
  #key: SrtpKey
  #transforms: { readonly rtp: Transform; readonly rtcp: Transform }
  #rtpTrailer: PacketTrailer
  #rtcpTrailer: PacketTrailer
  readonly #highest = new Map<number, number>()
  #rtcpIndex = 0

  /** Throws RangeError when the key has not its suite's length. */
  constructor(key: SrtpKey) {
    this.#key = key
    this.#transforms = makeTransforms(key)
    this.#rtpTrailer = rtpTrailer(key)
    this.#rtcpTrailer = rtcpTrailer(key)
  }

  /** Sends under another key from now on; what is counted goes on (§3.3.1, §3.4). */
  rekey(key: SrtpKey): void {
    this.#transforms = makeTransforms(key)
    this.#rtpTrailer = rtpTrailer(key)
    this.#rtcpTrailer = rtcpTrailer(key)
    this.#key = key
  }

  /**
   * The SRTP packet of an RTP packet, which stays as it is. A source's first packet is of round 0, each further one of the nearest round: they may come a little out of
   * order. The same number with another payload would give both away, so it must not be sent twice. Throws RangeError for bytes that are no RTP packet, and for
   * more than {@link SOURCES_MAX} sources.
   */
  sealRtp(bytes: Uint8Array): Uint8Array {
    const clearEnd = rtpHeaderEnd(bytes)
    if (clearEnd > bytes.length) throw new RangeError('This is no RTP packet.')
    const { byteLength, tagOffset, mkiOffset } = this.#rtpTrailer
    const ssrc = uint32(bytes, 8)
    const index = this.#indexOf(ssrc, uint16(bytes, 2))
    const dataEnd = bytes.length
    const packet = this.#copy(bytes, byteLength, mkiOffset)
    this.#transforms.rtp.seal(packet, { ssrc, index, clearEnd, dataEnd, tagAt: dataEnd + tagOffset, word: undefined })
    return packet
  }

  /** The SRTCP packet of a compound, encrypted. Throws RangeError for less than 8 bytes, and when 2^31 have been sent. */
  sealRtcp(bytes: Uint8Array): Uint8Array {
    if (bytes.length < RTCP_CLEAR_BYTES || this.#rtcpIndex >= RTCP_INDEXES) throw new RangeError('This cannot be sent.')
    const { byteLength, tagOffset, mkiOffset, wordOffset } = this.#rtcpTrailer
    const index = this.#rtcpIndex
    const word = ENCRYPTED + index
    const dataEnd = bytes.length
    const packet = this.#copy(bytes, byteLength, mkiOffset)
    new DataView(packet.buffer).setUint32(dataEnd + wordOffset, word)
    const parts = {
      ssrc: uint32(bytes, 4),
      index,
      clearEnd: RTCP_CLEAR_BYTES,
      dataEnd,
      tagAt: dataEnd + tagOffset,
      word,
    }
    this.#transforms.rtcp.seal(packet, parts)
    this.#rtcpIndex += 1
    return packet
  }

  #copy(bytes: Uint8Array, trailerBytes: number, mkiOffset: number): Uint8Array<ArrayBuffer> {
    const packet = new Uint8Array(bytes.length + trailerBytes)
    packet.set(bytes)
    if (this.#key.mki) packet.set(this.#key.mki, bytes.length + mkiOffset)
    return packet
  }

  #indexOf(ssrc: number, sequence: number): number {
    const highest = this.#highest.get(ssrc)
    if (highest === undefined && this.#highest.size >= SOURCES_MAX) throw new RangeError('These are too many sources.')
    const estimate = highest === undefined ? sequence : estimateIndex(highest, sequence)
    const index = estimate < 0 ? nextRound(estimate) : estimate
    if (highest === undefined || index > highest) this.#highest.set(ssrc, index)
    return index
  }
}
