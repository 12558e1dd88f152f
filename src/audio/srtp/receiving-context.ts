import { makeTransforms } from './make-transforms.ts'
import { estimateIndex, nextRound } from './packet-index.ts'
import { type PacketTrailer, rtcpTrailer, rtpTrailer } from './packet-trailer.ts'
import { RTCP_CLEAR_BYTES, rtpHeaderEnd, uint16, uint32 } from './read-header.ts'
import { SOURCES_MAX, SourceWindows } from './source-windows.ts'
import type { SrtpKey } from './srtp-key.ts'
import type { Transform } from './transform.ts'

/**
 * Why a packet is not opened: there are too few bytes for what it must have; its tag is not that of its bytes under this key; or it came before, or is older
 * than anybody remembers.
 */
export type SrtpRefusal = 'too-short' | 'unauthentic' | 'replayed'

const ENCRYPTED = 0x80000000
const INDEX_MASK = 0x7fffffff

/** What is received under one master key (RFC 3711 §3.2). */
export class ReceivingContext {
  readonly key: SrtpKey
  readonly #rtp: Transform
  readonly #rtcp: Transform
  readonly #rtpTrailer: PacketTrailer
  readonly #rtcpTrailer: PacketTrailer
  readonly #rtpSources = new SourceWindows()
  readonly #rtcpSources = new SourceWindows()
  readonly #earlier: ReadonlyMap<number, number>

  /** `earlier`: the highest index of each source under the key before: a sender may go on counting from there. */
  constructor(key: SrtpKey, earlier: ReadonlyMap<number, number> = new Map()) {
    const { rtp, rtcp } = makeTransforms(key)
    this.key = key
    this.#rtp = rtp
    this.#rtcp = rtcp
    this.#rtpTrailer = rtpTrailer(key)
    this.#rtcpTrailer = rtcpTrailer(key)
    this.#earlier = earlier
  }

  /** The highest RTP index of each source, also of those that were heard only under the key before; of the latest {@link SOURCES_MAX}. */
  get highest(): ReadonlyMap<number, number> {
    return new Map([...this.#earlier, ...this.#rtpSources.highest].slice(-SOURCES_MAX))
  }

  /** See SrtpReceiver. */
  openRtp(bytes: Uint8Array): Uint8Array | SrtpRefusal {
    const { byteLength, tagOffset } = this.#rtpTrailer
    const clearEnd = rtpHeaderEnd(bytes)
    const dataEnd = bytes.length - byteLength
    if (clearEnd > dataEnd) return 'too-short'
    const ssrc = uint32(bytes, 8)
    const window = this.#rtpSources.find(ssrc)
    let refusal: SrtpRefusal = 'unauthentic'
    for (const index of this.#candidates(ssrc, uint16(bytes, 2), window?.highest)) {
      if (window?.isFresh(index) === false) refusal = 'replayed'
      else if (this.#rtp.open(bytes, { ssrc, index, clearEnd, dataEnd, tagAt: dataEnd + tagOffset, word: undefined })) {
        this.#rtpSources.note(ssrc, index)
        return bytes.subarray(0, dataEnd)
      }
    }
    return refusal
  }

  /** See SrtpReceiver. */
  openRtcp(bytes: Uint8Array): Uint8Array | SrtpRefusal {
    const { byteLength, tagOffset, wordOffset } = this.#rtcpTrailer
    const dataEnd = bytes.length - byteLength
    if (dataEnd < RTCP_CLEAR_BYTES) return 'too-short'
    const ssrc = uint32(bytes, 4)
    const word = uint32(bytes, dataEnd + wordOffset)
    const index = word & INDEX_MASK
    if (this.#rtcpSources.find(ssrc)?.isFresh(index) === false) return 'replayed'
    const clearEnd = word >= ENCRYPTED ? RTCP_CLEAR_BYTES : dataEnd
    const parts = { ssrc, index, clearEnd, dataEnd, tagAt: dataEnd + tagOffset, word }
    if (!this.#rtcp.open(bytes, parts)) return 'unauthentic'
    this.#rtcpSources.note(ssrc, index)
    return bytes.subarray(0, dataEnd)
  }

  /**
   * The indexes that a packet may have, the likeliest first; which it is, its tag tells. The second of a known source is for when more than half a round was lost
   * (§3.3.1 would lose the rest of the call). A new source counts on from the key before, or from 0 — or from 1 when it began near the end of a round and the
   * beginning was lost (RFC 4568 §6.4 warns of it).
   */
  #candidates(ssrc: number, sequence: number, highest: number | undefined): readonly number[] {
    if (highest !== undefined) {
      const index = estimateIndex(highest, sequence)
      return index < 0 ? [nextRound(index)] : [index, nextRound(index)]
    }
    const earlier = this.#earlier.get(ssrc)
    if (earlier === undefined) return [sequence, nextRound(sequence)]
    return [...new Set([Math.max(sequence, estimateIndex(earlier, sequence)), sequence, nextRound(sequence)])]
  }
}
