import { randomBytes, randomInt } from 'node:crypto'
import { formatReceiverReport, parseRtcp } from '../audio/rtp/rtcp.ts'
import type { StreamReceiver } from './stream-receiver.ts'

/** Mean time between reports (RFC 3550 §6.2), and the bounds of its randomness (§6.3.1), so that a thousand calls do not report in step. */
const INTERVAL_MS = 5_000
const SPREAD_FROM = 0.5
const SSRC_END = 2 ** 32
const UNITS_PER_MS = 65.536
/** Short-term and the same for all streams of this process, so that it tells nobody who we are (RFC 7022 §4.2). */
const CNAME = randomBytes(12).toString('base64')

interface SenderReport {
  readonly ssrc: number
  readonly ntpMiddle: number
  readonly arrivedMs: number
}

/** The RTCP of one stream that we receive: what its sender reports, and what we report back. */
export class ReceiverReports {
  #ssrc = randomInt(SSRC_END)
  readonly #random: () => number
  #last: SenderReport | undefined
  #dueMs: number | undefined

  /** `random` gives 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Takes a datagram of the RTCP port; what is no RTCP is left out. The receiver learns what sources call themselves, if it is known yet. */
  take(bytes: Uint8Array, nowMs: number, receiver?: StreamReceiver): void {
    const news = parseRtcp(bytes)
    if (typeof news === 'string') return
    const heard = receiver?.reception?.ssrc
    const report = news.senderReports.find(({ ssrc }) => heard === undefined || ssrc === heard)
    if (report) this.#last = { ...report, arrivedMs: nowMs }
    for (const [ssrc, cname] of news.cnames) receiver?.noteCname(ssrc, cname)
  }

  /** The report that is due now, if one is; the first comes a moment after the first packet. */
  next(receiver: StreamReceiver, nowMs: number): Uint8Array | undefined {
    const heard = receiver.reception
    if (!heard) return undefined
    this.#dueMs ??= nowMs + INTERVAL_MS * SPREAD_FROM * this.#random()
    if (nowMs < this.#dueMs) return undefined
    this.#dueMs = nowMs + INTERVAL_MS * (SPREAD_FROM + this.#random())
    const { ssrc, reception } = heard
    // Two of one number cannot be told apart: the one that only listens takes another (RFC 3550 §8.2).
    while (this.#ssrc === ssrc) this.#ssrc = randomInt(SSRC_END)
    const last = this.#last?.ssrc === ssrc ? this.#last : undefined
    const block = {
      ssrc,
      fractionLost: reception.takeFractionLost(),
      cumulativeLost: reception.lost,
      highestSequence: reception.highestSequence,
      jitterTicks: reception.jitterTicks,
      lastSenderReport: last?.ntpMiddle ?? 0,
      delaySinceLastSenderReport: last ? Math.round((nowMs - last.arrivedMs) * UNITS_PER_MS) : 0,
    }
    return formatReceiverReport(this.#ssrc, block, CNAME)
  }
}
