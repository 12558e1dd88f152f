import { makeRtpHeader, parseRtp, type RtpHeader } from '../audio/rtp/packet.ts'
import { Reception } from '../audio/rtp/reception.ts'
import { Placement, type SharedClock } from '../audio/timeline/placement.ts'
import type { Track } from '../audio/timeline/track.ts'
import type { StreamQuality } from '../domain/call-details.ts'
import type { StreamPlan } from './call-recorder.ts'
import { SourceLock } from './source-lock.ts'

/** Where a packet came from. */
export interface PacketSource {
  readonly address: string
  readonly port: number
}

/** Why a secured packet was not opened. */
export type PacketRefusal = 'too-short' | 'unauthentic' | 'replayed'

/** What a packet of an unknown source may be, until it is known: kept, so that a new source loses nothing. */
interface OnTrial {
  readonly bytes: Uint8Array
  readonly from: PacketSource
  readonly arrivalMs: number
}

/**
 * Packets of unknown sources that are kept at most: five seconds of a stream, because after a pause of the machine that much comes out of the socket at
 * once, before patience can be over.
 */
const TRIALS_KEPT_MAX = 256
/** What is older was no beginning of what is believed now. */
const TRIAL_AGE_MAX_MS = 1_000
const SOURCES_MAX = 2
/**
 * So long the first packets of a new source are kept in memory, in a recording of several streams: the least late of them tells where the source stands beside the
 * others. A first packet that was late would have all that follow moved.
 */
const OPENING_MS = 60

/** A source that has just begun. */
interface Opening {
  readonly ssrc: number
  readonly packets: Omit<OnTrial, 'from'>[]
}

/** Counts that only this class makes; the rest of {@link StreamQuality} is the receptions'. */
interface Counts {
  late: number
  strangers: number
  invalid: number
  unauthentic: number
  replayed: number
}

/**
 * One RTP stream as it comes in: checks every packet, keeps strangers out, keeps statistics, and lays the audio out on the track by its place in time.
 * `makeRoom` is called when a packet lies so far ahead of the rest that what the track holds has to be taken out first.
 */
export class StreamReceiver {
  readonly track: Track
  readonly #makeRoom: (positionTicks: number) => void
  readonly #placement: Placement
  readonly #lock: SourceLock
  readonly #receptions = new Map<number, Reception>()
  /** Sums of the sources that are not heard any more. */
  readonly #ended = { received: 0, lost: 0, duplicated: 0, jitterMaxTicks: 0 }
  readonly #header: RtpHeader = makeRtpHeader()
  readonly #counts: Counts = { late: 0, strangers: 0, invalid: 0, unauthentic: 0, replayed: 0 }
  readonly #ticksPerMs: number
  readonly #isBesideOthers: boolean
  #trials: OnTrial[] = []
  #opening: Opening | undefined
  #plan: StreamPlan
  #payloadTypes: ReadonlySet<number>
  #lastSsrc: number | undefined
  /** When audio, an event or comfort noise last came from the agreed source. */
  lastPacketMs: number | undefined

  /** `clock`: that of the recording, when other streams are beside. */
  constructor(plan: StreamPlan, track: Track, makeRoom: (positionTicks: number) => void, clock?: SharedClock) {
    this.#plan = plan
    this.#payloadTypes = payloadTypesOf(plan)
    this.track = track
    this.#makeRoom = makeRoom
    this.#placement = new Placement(plan.format.clockRateHz, clock)
    this.#placement.hold(plan.isHeld)
    this.#isBesideOthers = clock !== undefined
    this.#ticksPerMs = plan.format.clockRateHz / 1000
    this.#lock = new SourceLock({ address: plan.remote.address, port: plan.remote.rtpPort }, plan.isFixed)
  }

  get plan(): StreamPlan {
    return this.#plan
  }

  /** The source that is heard now, for receiver reports. */
  get reception(): { readonly ssrc: number; readonly reception: Reception } | undefined {
    const reception = this.#lastSsrc === undefined ? undefined : this.#receptions.get(this.#lastSsrc)
    return reception && this.#lastSsrc !== undefined ? { ssrc: this.#lastSsrc, reception } : undefined
  }

  /** Where reports about this stream go. */
  get rtcpPeer(): PacketSource {
    const { remote, isRtcpMultiplexed } = this.#plan
    const { address, port } = this.#lock.peer
    if (isRtcpMultiplexed) return { address, port }
    // Behind a NAT the announced port means nothing; the one beside the port that media comes from is the convention.
    const isAsAnnounced = address === remote.address && port === remote.rtpPort
    return { address, port: isAsAnnounced ? remote.rtcpPort : port + 1 }
  }

  /** New terms: another address, hold, resume. */
  update(plan: StreamPlan): void {
    this.#placement.hold(plan.isHeld)
    this.#lock.announce({ address: plan.remote.address, port: plan.remote.rtpPort })
    this.#plan = plan
    this.#payloadTypes = payloadTypesOf(plan)
  }

  /** A source has said what it is called (RFC 3550 §6.5.1). */
  noteCname(ssrc: number, cname: string): void {
    this.#lock.noteCname(ssrc, cname)
  }

  /** A packet could not be opened (RFC 3711 §3.3): it is not what it says, or has come before. */
  noteRefused(refusal: PacketRefusal): void {
    if (refusal === 'unauthentic') this.#counts.unauthentic += 1
    else if (refusal === 'replayed') this.#counts.replayed += 1
    else this.#counts.invalid += 1
  }

  /** Takes a datagram from the RTP port that is no RTCP. Its bytes are copied if they are kept. */
  receive(bytes: Uint8Array, from: PacketSource, nowMs: number): void {
    const header = this.#header
    if (parseRtp(bytes, header) !== undefined || !this.#payloadTypes.has(header.payloadType)) {
      this.#counts.invalid += 1
      return
    }
    const admission = this.#lock.admit(header.ssrc, header.sequence, from, nowMs)
    if (admission === 'accept') this.#accept(bytes, nowMs)
    else if (admission === 'join') this.#join(bytes, from, nowMs)
    else if (admission === 'trial') this.#keep({ bytes: bytes.slice(), from, arrivalMs: nowMs })
    else this.#counts.strangers += 1
  }

  /**
   * Believes who came first when the announced one has not spoken in time, also if nothing more comes. To be called now and then; without a time at the
   * end, when there is nobody left to wait for.
   */
  settle(nowMs = Number.POSITIVE_INFINITY): void {
    const [first] = this.#trials
    if (first && this.#lock.isPatienceOver(nowMs)) {
      parseRtp(first.bytes, this.#header)
      const { ssrc } = this.#header
      this.#lock.believe(ssrc, first.from, first.arrivalMs)
      this.#takeTrials(ssrc, first.from, first.arrivalMs)
    }
    const opened = this.#opening?.packets[0]
    if (opened && nowMs - opened.arrivalMs >= OPENING_MS) this.#begin()
  }

  /** Statistics of the whole stream, over all of its sources. */
  quality(): Omit<StreamQuality, 'gapCount' | 'gapMs'> {
    const total = [...this.#receptions.values()].reduce(add, this.#ended)
    const inMs = (ticks: number) => Number((ticks / this.#ticksPerMs).toFixed(2))
    const newest = this.reception?.reception
    const { format, label, channel, isSecured } = this.#plan
    const { unauthentic, replayed, ...counts } = this.#counts
    return {
      codec: format.codec,
      ...(label !== undefined && { label }),
      ...(channel !== undefined && { channel }),
      packets: total.received,
      lost: total.lost,
      duplicated: total.duplicated,
      jitterMs: inMs(newest?.jitterTicks ?? 0),
      jitterMaxMs: inMs(total.jitterMaxTicks),
      ssrcChanges: this.#lock.changes,
      ...counts,
      strangers: counts.strangers + this.#trials.length,
      ...(isSecured && { unauthentic, replayed }),
    }
  }

  #keep(packet: OnTrial): void {
    this.#trials.push(packet)
    if (this.#trials.length <= TRIALS_KEPT_MAX) return
    this.#trials.shift()
    this.#counts.strangers += 1
  }

  #join(bytes: Uint8Array, from: PacketSource, arrivalMs: number): void {
    this.#trials.push({ bytes, from, arrivalMs })
    this.#takeTrials(this.#header.ssrc, from, arrivalMs)
  }

  /** A new source is believed: what it sent on trial comes first. What others sent meanwhile never counts. */
  #takeTrials(ssrc: number, from: PacketSource, nowMs: number): void {
    const trials = this.#trials
    this.#trials = []
    for (const packet of trials) {
      const isSameAddress = packet.from.port === from.port && packet.from.address === from.address
      const isRecent = nowMs - packet.arrivalMs <= TRIAL_AGE_MAX_MS
      parseRtp(packet.bytes, this.#header)
      if (isSameAddress && isRecent && this.#header.ssrc === ssrc) this.#accept(packet.bytes, packet.arrivalMs)
      else this.#counts.strangers += 1
    }
  }

  #accept(bytes: Uint8Array, arrivalMs: number): void {
    const { ssrc } = this.#header
    this.lastPacketMs = arrivalMs
    const opening = this.#opening
    if (opening && opening.ssrc !== ssrc) {
      this.#begin()
      parseRtp(bytes, this.#header)
    }
    if (!this.#isBesideOthers || this.#receptions.has(ssrc)) this.#take(bytes, arrivalMs)
    else this.#openWith(ssrc, { bytes: bytes.slice(), arrivalMs })
  }

  #openWith(ssrc: number, packet: Opening['packets'][number]): void {
    this.#opening ??= { ssrc, packets: [] }
    const { packets } = this.#opening
    packets.push(packet)
    const isOver = packet.arrivalMs - (packets[0]?.arrivalMs ?? 0) >= OPENING_MS
    if (isOver || packets.length >= TRIALS_KEPT_MAX) this.#begin()
  }

  /** The new source is placed: where its first packet would have been, had it been as little late as the least late of the first few. */
  #begin(): void {
    const packets = this.#opening?.packets ?? []
    this.#opening = undefined
    const tooLateMs = this.#latenessOfFirst(packets)
    for (const [index, { bytes, arrivalMs }] of packets.entries()) {
      parseRtp(bytes, this.#header)
      this.#take(bytes, arrivalMs, index === 0 ? arrivalMs - tooLateMs : arrivalMs)
    }
  }

  /** How much later than the least late the first of some packets came, by their timestamps. */
  #latenessOfFirst(packets: Opening['packets']): number {
    let [first, least] = [0, Number.POSITIVE_INFINITY]
    let firstTimestamp: number | undefined
    for (const { bytes, arrivalMs } of packets) {
      parseRtp(bytes, this.#header)
      if (this.#header.payloadType !== this.#plan.format.payloadType) continue
      firstTimestamp ??= this.#header.timestamp
      const lateness = arrivalMs - ((this.#header.timestamp - firstTimestamp) | 0) / this.#ticksPerMs
      if (!Number.isFinite(least)) first = lateness
      least = Math.min(least, lateness)
    }
    return Number.isFinite(least) ? Math.min(OPENING_MS, first - least) : 0
  }

  /** `placedMs`: when it would have come, had it not been late. */
  #take(bytes: Uint8Array, arrivalMs: number, placedMs = arrivalMs): void {
    const { ssrc, sequence, timestamp, marker, payloadType, payloadOffset, payloadEnd } = this.#header
    const reception = this.#receptionOf(ssrc)
    const isAudio = payloadType === this.#plan.format.payloadType
    // All packets of an event have the timestamp of its beginning (RFC 4733 §2.2): they say nothing about jitter.
    const extended = reception.update(sequence, isAudio ? timestamp : undefined, arrivalMs * this.#ticksPerMs)
    if (extended === undefined || !isAudio) return
    const payload = bytes.subarray(payloadOffset, payloadEnd)
    const durationTicks = this.track.durationTicks(payload)
    if (durationTicks === undefined || durationTicks === 0) {
      this.#counts.invalid += 1
      return
    }
    const position = this.#placement.place(ssrc, {
      sequence: extended,
      timestamp,
      durationTicks,
      arrivalMs: placedMs,
      marker,
    })
    if (position === undefined || !this.#insert(position, payload)) this.#counts.late += 1
  }

  /** False when its place was written already, or has been taken. */
  #insert(positionTicks: number, payload: Uint8Array): boolean {
    let placing = this.track.insert(positionTicks, payload)
    if (placing === 'ahead') {
      this.#makeRoom(positionTicks)
      placing = this.track.insert(positionTicks, payload)
    }
    return placing === 'placed'
  }

  #receptionOf(ssrc: number): Reception {
    const known = this.#receptions.get(ssrc)
    this.#lastSsrc = ssrc
    if (known) return known
    const fresh = new Reception()
    this.#receptions.set(ssrc, fresh)
    const [oldest] = this.#receptions
    if (oldest && this.#receptions.size > SOURCES_MAX) {
      this.#receptions.delete(oldest[0])
      Object.assign(this.#ended, add(this.#ended, oldest[1]))
    }
    return fresh
  }
}

type Sums = Pick<Reception, 'received' | 'lost' | 'duplicated' | 'jitterMaxTicks'>

const add = (a: Sums, b: Sums): Sums => ({
  received: a.received + b.received,
  lost: a.lost + Math.max(0, b.lost),
  duplicated: a.duplicated + b.duplicated,
  jitterMaxTicks: Math.max(a.jitterMaxTicks, b.jitterMaxTicks),
})

const payloadTypesOf = ({ format, eventTypes, comfortNoiseTypes }: StreamPlan): ReadonlySet<number> =>
  new Set([format.payloadType, ...eventTypes, ...comfortNoiseTypes])
