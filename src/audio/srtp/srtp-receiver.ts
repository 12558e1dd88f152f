import { ReceivingContext, type SrtpRefusal } from './receiving-context.ts'
import type { SrtpKey } from './srtp-key.ts'

export type { SrtpRefusal } from './receiving-context.ts'

/** Packets, of either kind, after a change of keys during which the old one still counts: 20 s of a stream. */
const OLD_KEY_PACKETS = 1_000

/**
 * Opens what a peer sends under its key (RFC 3711 §3.3): checks each packet's tag, keeps out what came before, and decrypts. One for each media stream; any number
 * of sources. A packet that is not authentic changes nothing.
 */
export class SrtpReceiver {
  #current: ReceivingContext
  #old: ReceivingContext | undefined
  #oldLeft = 0

  /** Throws RangeError when the key has not its suite's length. */
  constructor(key: SrtpKey) {
    this.#current = new ReceivingContext(key)
  }

  /**
   * The RTP packet within an SRTP packet. It lies in the same memory, which is decrypted in place: `bytes` are lent for good. They are as they were when the packet is
   * refused.
   */
  openRtp(bytes: Uint8Array): Uint8Array | SrtpRefusal {
    const opened = this.#current.openRtp(bytes)
    return this.#old ? this.#orOld(opened, this.#old.openRtp.bind(this.#old, bytes)) : opened
  }

  /** The compound within an SRTCP packet, also of one that is only authenticated (E flag 0, §3.4). In place, as {@link openRtp}. */
  openRtcp(bytes: Uint8Array): Uint8Array | SrtpRefusal {
    const opened = this.#current.openRtcp(bytes)
    return this.#old ? this.#orOld(opened, this.#old.openRtcp.bind(this.#old, bytes)) : opened
  }

  /**
   * The peer sends under another key from now on. For packets that are under way, or when it does not at once, the old one counts for another
   * {@link OLD_KEY_PACKETS} packets. The same key again changes nothing.
   */
  rekey(key: SrtpKey): void {
    const { highest, key: current } = this.#current
    if (isSameKey(key, current)) return
    const returning = this.#old && isSameKey(key, this.#old.key) ? this.#old : undefined
    this.#old = this.#current
    this.#oldLeft = OLD_KEY_PACKETS
    this.#current = returning ?? new ReceivingContext(key, highest)
  }

  #orOld(opened: Uint8Array | SrtpRefusal, openOld: () => Uint8Array | SrtpRefusal): Uint8Array | SrtpRefusal {
    const outcome = typeof opened === 'string' ? openOld() : opened
    if (typeof outcome === 'string') return opened === 'replayed' ? opened : outcome
    this.#oldLeft -= 1
    if (this.#oldLeft <= 0) this.#old = undefined
    return outcome
  }
}

const isSameKey = (a: SrtpKey, b: SrtpKey): boolean =>
  a.suite === b.suite && isSame(a.keySalt, b.keySalt) && isSame(a.mki, b.mki)

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at]))
