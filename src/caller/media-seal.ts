import type { SrtpKey } from '../audio/srtp/srtp-key.ts'
import { SrtpReceiver } from '../audio/srtp/srtp-receiver.ts'
import { SrtpSender } from '../audio/srtp/srtp-sender.ts'
import type { RemoteLine } from './read-description.ts'
import { readCrypto } from './sdes.ts'

/** Both sides' keys of one stream. */
export interface MediaKeys {
  readonly ours: SrtpKey
  readonly theirs: SrtpKey
}

/** Protects what one stream sends under our key, and opens the reports that come under the other side's. */
export class MediaSeal {
  readonly #sender: SrtpSender
  readonly #receiver: SrtpReceiver
  /** Reports that were not authentic, or came twice. */
  refusedCount = 0

  constructor({ ours, theirs }: MediaKeys) {
    this.#sender = new SrtpSender(ours)
    this.#receiver = new SrtpReceiver(theirs)
  }

  /** Other keys from now on; the same ones again change nothing. */
  rekey({ ours, theirs }: MediaKeys): void {
    this.#sender.rekey(ours)
    this.#receiver.rekey(theirs)
  }

  sealRtp(bytes: Uint8Array): Uint8Array {
    return this.#sender.sealRtp(bytes)
  }

  sealRtcp(bytes: Uint8Array): Uint8Array {
    return this.#sender.sealRtcp(bytes)
  }

  /** The report within; undefined when it is refused, which is counted. */
  openRtcp(bytes: Uint8Array): Uint8Array | undefined {
    const opened = this.#receiver.openRtcp(bytes)
    if (typeof opened !== 'string') return opened
    this.refusedCount += 1
    return undefined
  }
}

/** The seal of a stream that was offered under a key of ours and answered with one of theirs; undefined for RTP in the clear. */
export const sealOf = (ours: SrtpKey | undefined, { cryptos }: RemoteLine): MediaSeal | undefined => {
  const keys = keysOf(ours, cryptos)
  return keys && new MediaSeal(keys)
}

/** Both keys, when there are both. */
export const keysOf = (ours: SrtpKey | undefined, cryptos: readonly string[]): MediaKeys | undefined => {
  const theirs = ours && cryptos[0] !== undefined ? readCrypto(cryptos[0]) : undefined
  return ours && theirs && 'key' in theirs ? { ours, theirs: theirs.key } : undefined
}
