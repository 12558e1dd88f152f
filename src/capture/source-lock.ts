/** What to do with a packet. `join`: its source is taken on now, with the packets that it was on trial for. */
export type Admission = 'accept' | 'join' | 'trial' | 'stranger'

/** Consecutive packets that a new SSRC from the agreed address must send (RFC 3550 A.1, MIN_SEQUENTIAL). */
const TRIAL_PACKETS = 2
/** The same from an address that nobody announced, which must also find the agreed one silent. */
const STRANGER_TRIAL_PACKETS = 50
const REBOUND_TRIAL_PACKETS = 5
const SILENT_MS = 2_000
/**
 * How long one who came first and was not announced (a NAT, or a stranger) waits for the announced one to speak. Its packets are kept meanwhile, so this is
 * part of the 250 ms that a crash may cost.
 */
export const PATIENCE_MS = 100
/** Sources that are believed: the present one and the one before, whose last packets may still be under way. */
const KNOWN_MAX = 2
/** Names that are remembered at most. */
const CNAMES_MAX = 16

interface Address {
  readonly address: string
  readonly port: number
}

interface Trial extends Address {
  readonly ssrc: number
  sequence: number
  packets: number
}

/**
 * Decides which packets belong to a stream (symmetric RTP, NAT, a change of source): signalling announces an address, the first packets show one, and an
 * SSRC; who is first but was not announced waits for {@link PATIENCE_MS}. A stranger's packets never become audio. A source that changes at the agreed
 * address is believed after {@link TRIAL_PACKETS} packets in a row; one from elsewhere only with the same SSRC (a NAT that has rebound) or after long, and only while the agreed one is silent. The announced
 * address, once it speaks, takes over from one that only came first.
 */
export class SourceLock {
  readonly #isFixed: boolean
  #announced: Address
  /** Where packets are believed from; undefined while the first to come decides. */
  #from: Address | undefined
  /** Where the last that were believed came from. */
  #lastFrom: Address | undefined
  #ssrcs: number[] = []
  #lastMs = 0
  #trial: Trial | undefined
  /** When the first packet came while nobody is believed. */
  #waitingSinceMs: number | undefined
  #changes = 0
  /** What sources call themselves; the present one's name lets another SSRC of the same in at once (RFC 7866 §8.1.3). */
  readonly #cnames = new Map<number, string>()

  /** `isFixed`: nobody but the announced one is ever believed. */
  constructor(announced: Address, isFixed = false) {
    this.#announced = announced
    this.#isFixed = isFixed
  }

  /** How often the stream's SSRC changed. */
  get changes(): number {
    return this.#changes
  }

  /** Where RTCP goes to, as far as it is known. */
  get peer(): Address {
    return this.#from ?? this.#announced
  }

  /**
   * Signalling says that media comes from elsewhere now: whoever is there first is believed again. No address at all, as some phones hold
   * (RFC 3264 §8.4), changes nothing: a stranger must not get in meanwhile.
   */
  announce(announced: Address): void {
    if (isNowhere(announced) || isSame(this.#announced, announced)) return
    this.#announced = announced
    this.#from = undefined
    this.#trial = undefined
    this.#waitingSinceMs = undefined
  }

  /** True when somebody waits for the announced one to speak, and has done so for long enough. */
  isPatienceOver(nowMs: number): boolean {
    return this.#from === undefined && nowMs - (this.#waitingSinceMs ?? nowMs) >= PATIENCE_MS
  }

  /** A source at the agreed address says what it is called. */
  noteCname(ssrc: number, cname: string): void {
    this.#cnames.delete(ssrc)
    this.#cnames.set(ssrc, cname)
    for (const oldest of this.#cnames.keys()) {
      if (this.#cnames.size <= CNAMES_MAX) return
      if (oldest !== this.#ssrcs[0]) this.#cnames.delete(oldest)
    }
  }

  admit(ssrc: number, sequence: number, from: Address, nowMs: number): Admission {
    if (this.#isFixed && !isSame(from, this.#announced)) return 'stranger'
    const locked = this.#from
    if (locked !== undefined && isSame(locked, from)) {
      if (this.#ssrcs.includes(ssrc)) {
        this.#lastMs = nowMs
        return 'accept'
      }
      if (this.#isSameByName(ssrc)) return this.#join(ssrc, from, nowMs)
      return this.#try(ssrc, sequence, from, nowMs, TRIAL_PACKETS)
    }
    if (locked === undefined) return this.#admitFirst(ssrc, from, nowMs)
    if (isSame(from, this.#announced)) return this.#try(ssrc, sequence, from, nowMs, TRIAL_PACKETS)
    if (nowMs - this.#lastMs < SILENT_MS) return 'stranger'
    const isRebound = this.#ssrcs.includes(ssrc)
    const wanted = isRebound ? REBOUND_TRIAL_PACKETS : STRANGER_TRIAL_PACKETS
    if (!isRebound && from.address !== this.#announced.address && from.address !== locked.address) return 'stranger'
    return this.#try(ssrc, sequence, from, nowMs, wanted)
  }

  /** Takes a source on without further trial: nobody else has spoken. */
  believe(ssrc: number, from: Address, nowMs: number): void {
    this.#join(ssrc, from, nowMs)
  }

  #admitFirst(ssrc: number, from: Address, nowMs: number): Admission {
    if (isSame(from, this.#announced) || this.#ssrcs.includes(ssrc)) return this.#join(ssrc, from, nowMs)
    this.#waitingSinceMs ??= nowMs
    return this.isPatienceOver(nowMs) ? this.#join(ssrc, from, nowMs) : 'trial'
  }

  #isSameByName(ssrc: number): boolean {
    const name = this.#cnames.get(ssrc)
    return name !== undefined && name === this.#cnames.get(this.#ssrcs[0] ?? -1)
  }

  #try(ssrc: number, sequence: number, from: Address, nowMs: number, wanted: number): Admission {
    const trial = this.#trial
    if (!trial || trial.ssrc !== ssrc || !isSame(trial, from) || !isNext(trial.sequence, sequence)) {
      this.#trial = { ...from, ssrc, sequence, packets: 1 }
      return 'trial'
    }
    trial.sequence = sequence
    trial.packets += 1
    return trial.packets >= wanted ? this.#join(ssrc, from, nowMs) : 'trial'
  }

  #join(ssrc: number, from: Address, nowMs: number): Admission {
    if (!this.#ssrcs.includes(ssrc)) {
      if (this.#ssrcs.length > 0) this.#changes += 1
      // What was elsewhere and has another name was somebody else: its SSRC is no ticket back.
      const isMoved = this.#lastFrom !== undefined && !isSame(this.#lastFrom, from)
      this.#ssrcs = isMoved ? [ssrc] : [ssrc, ...this.#ssrcs].slice(0, KNOWN_MAX)
    }
    this.#from = { address: from.address, port: from.port }
    this.#lastFrom = this.#from
    this.#trial = undefined
    this.#waitingSinceMs = undefined
    this.#lastMs = nowMs
    return 'join'
  }
}

const isSame = (a: Address, b: Address): boolean => a.port === b.port && a.address === b.address

const isNowhere = ({ address, port }: Address): boolean => port === 0 || address === '0.0.0.0' || address === '::'

/** The next few sequence numbers: one may be lost on the way. */
const isNext = (before: number, after: number): boolean => {
  const steps = (after - before) & 0xffff
  return steps > 0 && steps <= 3
}
