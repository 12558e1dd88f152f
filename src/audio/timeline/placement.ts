import { ArrivalSlots } from './arrival-slots.ts'
import { ClockFollower } from './clock-follower.ts'
import { Standstill } from './standstill.ts'

/** The arrival clock that the streams of one recording share: when its first packet came, once one has. */
export interface SharedClock {
  originMs: number | undefined
}

/** One packet, as far as its place in time goes. */
export interface TimedPacket {
  /** Extended sequence number (RFC 3550 A.1): rises through every wrap. */
  readonly sequence: number
  /** 32-bit RTP timestamp. */
  readonly timestamp: number
  readonly durationTicks: number
  readonly arrivalMs: number
  /** The sender says that a talk spurt begins (RFC 3551 §4.1). */
  readonly marker?: boolean
}

/** Room before the first packet, so that packets which it has overtaken still have a place. */
const LEAD_SECONDS = 1
/** A timestamp may run ahead of the arrival clock by so much (a burst after a stall) before it is taken for a jump of the sender's. */
const JUMP_TOLERATED_MS = 3_000
/** Packets further back than this are too late for any use. */
const REORDER_MAX_MS = 5_000
/** After a hold or a new source: the arrival clock decides when it and the timestamps differ by more than this. */
const RESUME_TOLERATED_MS = 1_000
/** A new source that begins so near to the end of the old one goes on from there: that much is jitter. */
const JOIN_WITHIN_MS = 60
/** The same where other streams are beside: a hold is as long for all of them. */
const RESUME_BESIDE_MS = 60

const NOWHERE = -1
const SOURCES_MAX = 2

interface Reference extends TimedPacket {
  readonly positionTicks: number
}

/**
 * Gives every packet of one stream its place on the recording's time line. Within the packets of one source (SSRC) the RTP timestamps decide, so that audio
 * is never stretched and loss leaves a gap of its own length. Where timestamps say nothing (the first packet, a new source, a sender that jumped,
 * the end of a hold), the arrival clock decides. Streams that are to stay side by side share that clock, and each follows it in small steps when its sender's
 * clock drifts ({@link ClockFollower}). Pure: time comes with the packets. Positions are ticks of the stream's clock, not negative.
 */
export class Placement {
  readonly #ticksPerMs: number
  readonly #leadTicks: number
  /** The furthest packet of each source that is still heard of: the present one and the one before. */
  readonly #sources = new Map<number, Reference>()
  readonly #shared: SharedClock | undefined
  readonly #follower: ClockFollower
  readonly #slots = new ArrivalSlots()
  readonly #standstill: Standstill
  #newest: Reference | undefined
  #endTicks = 0
  #isHeld = false
  /** The first packet after a hold is still to come. */
  #isResuming = false

  /** `shared`: the clock of the recording, when there are other streams beside. */
  constructor(clockRateHz: number, shared?: SharedClock) {
    this.#ticksPerMs = clockRateHz / 1000
    this.#leadTicks = LEAD_SECONDS * clockRateHz
    this.#shared = shared
    this.#follower = new ClockFollower(this.#ticksPerMs)
    this.#standstill = new Standstill(this.#ticksPerMs)
  }

  /**
   * The peer has put the stream on hold, or off it. Whether the sender's timestamps go on meanwhile shows with the first packet behind the silence, which may
   * come before signalling says that the hold is over.
   */
  hold(isHeld: boolean): void {
    if (this.#isHeld && !isHeld) this.#isResuming = true
    this.#isHeld = isHeld
  }

  /** The packet's place; undefined when it has none: before the beginning of the recording, or later than any reordering. */
  place(ssrc: number, packet: TimedPacket): number | undefined {
    const known = this.#sources.get(ssrc)
    const positionTicks = this.#position(packet, known)
    if (positionTicks < 0) return undefined
    if (!known || packet.sequence > known.sequence) {
      const reference = { ...packet, positionTicks }
      this.#sources.set(ssrc, reference)
      this.#newest = reference
      this.#isResuming = false
      this.#forgetOld(ssrc)
    }
    this.#endTicks = Math.max(this.#endTicks, positionTicks + packet.durationTicks)
    return positionTicks
  }

  #position(packet: TimedPacket, known: Reference | undefined): number {
    const newest = this.#newest
    if (!newest) return this.#first(packet.arrivalMs)
    const byArrival = this.#shared ? this.#first(packet.arrivalMs) : this.#after(newest, packet.arrivalMs)
    if (!known) return this.#join(byArrival)
    const deltaTicks = (packet.timestamp - known.timestamp) | 0
    const byTimestamp = known.positionTicks + deltaTicks
    const steps = packet.sequence - known.sequence
    if (steps <= 0) return this.#isReordered(deltaTicks) ? byTimestamp : NOWHERE
    if (this.#isHeld || this.#isResuming) {
      const toleratedMs = this.#shared ? RESUME_BESIDE_MS : RESUME_TOLERATED_MS
      const isFar = Math.abs(byTimestamp - byArrival) > toleratedMs * this.#ticksPerMs
      return isFar ? this.#join(byArrival) : byTimestamp
    }
    // Some senders let their timestamps stand still through a pause that no signalling told of; a mere stall is no new talk spurt.
    if (packet.marker && byArrival - byTimestamp > JUMP_TOLERATED_MS * this.#ticksPerMs) return this.#join(byArrival)
    if (!this.#isPlausible(deltaTicks, steps, byTimestamp - byArrival, known)) return this.#join(byArrival)
    return this.#shared ? this.#beside(byTimestamp, byArrival, packet.arrivalMs) : byTimestamp
  }

  /** What its timestamp says, as far as its sender's clock goes with that of the others. */
  #beside(byTimestamp: number, byArrival: number, arrivalMs: number): number {
    const lateness = byArrival - byTimestamp
    if (this.#standstill.isSeen(lateness, arrivalMs)) return this.#join(byArrival)
    const least = this.#slots.take(lateness, arrivalMs)
    if (least === undefined) return byTimestamp
    const step = this.#follower.step(least)
    this.#slots.move(step)
    return byTimestamp + step
  }

  /** Where the shared clock puts a packet of this arrival; alone, the first packet is where the line begins. */
  #first(arrivalMs: number): number {
    if (!this.#shared) return this.#leadTicks
    this.#shared.originMs ??= arrivalMs
    return Math.max(0, this.#leadTicks + Math.round((arrivalMs - this.#shared.originMs) * this.#ticksPerMs))
  }

  #after({ positionTicks, arrivalMs }: Reference, nowMs: number): number {
    return positionTicks + Math.round((nowMs - arrivalMs) * this.#ticksPerMs)
  }

  #isReordered(deltaTicks: number): boolean {
    return deltaTicks <= 0 && -deltaTicks <= REORDER_MAX_MS * this.#ticksPerMs
  }

  /** False when the sender must have set its timestamps anew. */
  #isPlausible(deltaTicks: number, steps: number, aheadTicks: number, known: Reference): boolean {
    if (deltaTicks <= 0) return false
    return deltaTicks <= steps * known.durationTicks || aheadTicks <= JUMP_TOLERATED_MS * this.#ticksPerMs
  }

  #join(byArrival: number): number {
    this.#follower.reset()
    this.#slots.reset()
    return byArrival - this.#endTicks < JOIN_WITHIN_MS * this.#ticksPerMs ? this.#endTicks : byArrival
  }

  #forgetOld(ssrc: number): void {
    if (this.#sources.size <= SOURCES_MAX) return
    for (const other of this.#sources.keys()) {
      if (other === ssrc || this.#sources.size <= SOURCES_MAX) continue
      this.#sources.delete(other)
    }
  }
}
