import { checkImpairments, type Hold, type Impairments } from './impairment.ts'
import { type Random, randomWhole, seededRandom } from './random.ts'
import { END_COPIES, type EventFrame, EventTrack, type KeyPress } from './telephone-events.ts'

/** One packet that goes out. */
export interface TimedPacket {
  /** Which frame of the signal it carries: the audio from `frame × frameMs` on. */
  readonly frame: number
  /** When, in milliseconds after the stream's begin. */
  readonly sendAtMs: number
  /** When the instant was that its timestamp names, likewise: a sender's own clock, which no delay on the way touches. */
  readonly sampledAtMs: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly marker: boolean
  /** The payload of a telephone-event, which goes out in place of the frame's audio. */
  readonly event?: Uint8Array
}

/** The stream before anything happens to it. */
export interface StreamOptions {
  readonly frameMs: number
  /** RTP timestamp ticks of one frame. */
  readonly frameTicks: number
  readonly frameCount: number
  /** Keys that are pressed; while one is, there is no audio. */
  readonly presses?: readonly KeyPress[]
}

/** What became of a stream: what a recording of it must show. Counts are of packets. */
export interface StreamTruth {
  readonly sent: number
  readonly lost: number
  readonly duplicated: number
  readonly overtaken: number
  /** Packets of telephone-events; they are part of no other count. */
  readonly events: number
  /** Every source in order of appearance. */
  readonly ssrcs: readonly number[]
  /** What the recording must have as silence: lost frames, holds and key presses, neighbours joined. */
  readonly gaps: readonly { readonly startMs: number; readonly durationMs: number }[]
  /** From the first frame to the end of the last that was sent. */
  readonly durationMs: number
}

interface Source {
  readonly ssrc: number
  readonly firstTimestamp: number
  /** The frame that has the first timestamp; moves on over a hold in which timestamps stand still. */
  firstFrame: number
  sequence: number
}

const SEQUENCES = 0x1_0000
const TIMESTAMPS = 0x1_0000_0000
const MILLION = 1_000_000

/**
 * The packets of one stream with their impairments, in the order in which they go out. Made one by one as they are taken, so that a stream of a day
 * needs no more memory than its reordering. Everything follows from the options and the seed.
 */
export class PacketStream {
  readonly #options: StreamOptions
  readonly #impairments: Impairments
  readonly #random: Random
  readonly #loss: () => boolean
  readonly #events: EventTrack
  readonly #pending: TimedPacket[] = []
  readonly #truth = new TruthCounter()
  #source: Source
  #frame = 0
  #frameEnd: number
  #hold = 0
  #ssrcChange = 0
  #marker = true
  #isMuted = false
  #changesSource = false
  #latestMs = 0

  /** Throws CALL_INVALID for impairments or key presses out of range. */
  constructor(options: StreamOptions, impairments: Impairments = {}, seed = 1) {
    checkImpairments(impairments)
    this.#options = options
    this.#impairments = impairments
    this.#random = seededRandom(seed)
    this.#loss = lossProcess(impairments, this.#random)
    this.#events = new EventTrack(options.presses ?? [], options.frameMs, options.frameTicks)
    this.#frameEnd = options.frameCount
    this.#source = {
      ...newSource(this.#random, 0),
      ...(impairments.firstSequence !== undefined && { sequence: impairments.firstSequence }),
      ...(impairments.firstTimestamp !== undefined && { firstTimestamp: impairments.firstTimestamp }),
    }
    this.#truth.ssrcs.push(this.#source.ssrc)
  }

  /** When there may be a packet, in milliseconds after the stream's begin; undefined: there is none any more. */
  get dueAtMs(): number | undefined {
    this.#skipHolds()
    const pendingAtMs = this.#pending[0]?.sendAtMs
    if (this.#frame >= this.#frameEnd) return pendingAtMs
    return Math.min(this.#timeOf(this.#frame), pendingAtMs ?? Number.POSITIVE_INFINITY)
  }

  /** The next packet that goes out by `nowMs`, or at all; undefined when there is none. A frame is begun when its time has come, not before. */
  next(nowMs = Number.POSITIVE_INFINITY): TimedPacket | undefined {
    for (this.#skipHolds(); this.#frame < this.#frameEnd; this.#skipHolds()) {
      // Nothing that is still to be made goes out before its own frame's time.
      const firstAtMs = this.#pending[0]?.sendAtMs ?? Number.POSITIVE_INFINITY
      if (this.#timeOf(this.#frame) > Math.min(nowMs, firstAtMs)) break
      this.#makeFrame()
    }
    const first = this.#pending[0]
    return first && first.sendAtMs <= nowMs ? this.#pending.shift() : undefined
  }

  /** No frame after those that were begun; packets that are on their way still come. */
  end(): void {
    this.#frameEnd = Math.min(this.#frameEnd, this.#frame)
  }

  /** Sends no frame, as in a hold whose timestamps go on, until it is unmuted. */
  mute(isMuted: boolean): void {
    this.#isMuted = isMuted
  }

  /** The next frame comes from another source. */
  changeSource(): void {
    this.#changesSource = true
  }

  /** What has become of the frames so far. */
  truth(): StreamTruth {
    return this.#truth.result(this.#options.frameMs)
  }

  #timeOf(frame: number): number {
    return (frame * this.#options.frameMs) / (1 + (this.#impairments.driftPpm ?? 0) / MILLION)
  }

  #makeFrame(): void {
    const frame = this.#frame
    this.#frame += 1
    if (this.#isMuted) {
      this.#marker = true
      return
    }
    this.#changeSource(frame)
    const event = this.#events.at(frame)
    if (event) {
      this.#sendEvent(event, frame)
      return
    }
    const packet = this.#packetOf(frame, frame, this.#marker)
    this.#marker = false
    if (this.#loss() && frame > 0) this.#truth.lost += 1
    else this.#send(packet)
  }

  /** The packet with the next sequence number. */
  #packetOf(frame: number, timestampFrame: number, marker: boolean): TimedPacket {
    const { sequence, ssrc, firstFrame, firstTimestamp } = this.#source
    this.#source.sequence = (sequence + 1) % SEQUENCES
    const ticks = firstTimestamp + (timestampFrame - firstFrame) * this.#options.frameTicks
    const timestamp = ((ticks % TIMESTAMPS) + TIMESTAMPS) % TIMESTAMPS
    const [sendAtMs, sampledAtMs] = [this.#timeOf(frame), this.#timeOf(timestampFrame)]
    return { frame, sendAtMs, sampledAtMs, sequence, timestamp, ssrc, marker }
  }

  /** Events are lost to nothing: what they must not do is what is looked at. */
  #sendEvent({ firstFrame, isLast, payload }: EventFrame, frame: number): void {
    for (let copy = 0; copy < (isLast ? END_COPIES : 1); copy += 1) {
      const packet = this.#packetOf(frame, firstFrame, frame === firstFrame && copy === 0)
      this.#latestMs = Math.max(this.#latestMs, packet.sendAtMs)
      this.#truth.events += 1
      this.#queue({ ...packet, sendAtMs: this.#latestMs, event: payload })
    }
  }

  #skipHolds(): void {
    for (; this.#frame < this.#frameEnd; this.#frame += 1) {
      const hold = this.#holdAt(this.#frame * this.#options.frameMs)
      if (!hold) return
      if (hold.timestamps === 'stand-still') this.#source.firstFrame += 1
      this.#marker = true
    }
  }

  #holdAt(atMs: number): Hold | undefined {
    const holds = this.#impairments.holds ?? []
    while (this.#hold < holds.length && (holds[this.#hold] as Hold).toMs <= atMs) this.#hold += 1
    const hold = holds[this.#hold]
    return hold && hold.fromMs <= atMs ? hold : undefined
  }

  #changeSource(frame: number): void {
    const atMs = frame * this.#options.frameMs
    const changes = this.#impairments.ssrcChangesAtMs ?? []
    if (this.#changesSource) this.#beginSource(frame)
    while (this.#ssrcChange < changes.length && (changes[this.#ssrcChange] as number) <= atMs) {
      this.#ssrcChange += 1
      this.#beginSource(frame)
    }
  }

  #beginSource(frame: number): void {
    this.#changesSource = false
    this.#source = newSource(this.#random, frame)
    this.#truth.ssrcs.push(this.#source.ssrc)
    this.#marker = true
  }

  #send(packet: TimedPacket): void {
    const { delayMs = 0, jitterMs = 0, reorderRatio = 0, reorderMs = 0 } = this.#impairments
    const { duplicateRatio = 0, duplicateMs = 0 } = this.#impairments
    this.#truth.sentFrame(packet.frame)
    const delayedMs = packet.sendAtMs + delayMs + (packet.frame > 0 ? this.#random() * jitterMs : 0)
    this.#latestMs = Math.max(this.#latestMs, delayedMs)
    const isOvertaken = reorderRatio > 0 && packet.frame > 0 && this.#random() < reorderRatio
    const sendAtMs = this.#latestMs + (isOvertaken ? this.#random() * reorderMs : 0)
    if (isOvertaken) this.#truth.overtaken += 1
    this.#queue({ ...packet, sendAtMs })
    if (duplicateRatio === 0 || this.#random() >= duplicateRatio) return
    this.#truth.duplicated += 1
    this.#queue({ ...packet, sendAtMs: sendAtMs + this.#random() * duplicateMs })
  }

  /** Behind all that go out at the same time or before. */
  #queue(packet: TimedPacket): void {
    let index = this.#pending.length
    while (index > 0 && (this.#pending[index - 1] as TimedPacket).sendAtMs > packet.sendAtMs) index -= 1
    this.#pending.splice(index, 0, packet)
  }
}

const newSource = (random: Random, firstFrame: number): Source => ({
  ssrc: randomWhole(random, 1, TIMESTAMPS - 1),
  sequence: randomWhole(random, 0, SEQUENCES - 1),
  firstTimestamp: randomWhole(random, 0, TIMESTAMPS - 1),
  firstFrame,
})

/** Whether the next packet is lost: two states, of which one loses everything (Gilbert's model), so that losses come in bursts of the mean length. */
const lossProcess = ({ lossRatio = 0, lossBurstPackets = 1 }: Impairments, random: Random): (() => boolean) => {
  if (lossRatio === 0) return () => false
  if (lossBurstPackets === 1) return () => random() < lossRatio
  const leave = 1 / lossBurstPackets
  const enter = (leave * lossRatio) / (1 - lossRatio)
  let isLosing = random() < lossRatio
  return () => {
    const isLost = isLosing
    isLosing = isLosing ? random() >= leave : random() < enter
    return isLost
  }
}

class TruthCounter {
  lost = 0
  duplicated = 0
  overtaken = 0
  events = 0
  readonly ssrcs: number[] = []
  readonly #gaps: { readonly from: number; readonly to: number }[] = []
  #sent = 0
  #behindLast = 0

  sentFrame(frame: number): void {
    if (frame > this.#behindLast) this.#gaps.push({ from: this.#behindLast, to: frame })
    this.#behindLast = frame + 1
    this.#sent += 1
  }

  result(frameMs: number): StreamTruth {
    const { lost, duplicated, overtaken, events } = this
    return {
      sent: this.#sent,
      lost,
      duplicated,
      overtaken,
      events,
      ssrcs: [...this.ssrcs],
      gaps: this.#gaps.map(({ from, to }) => ({ startMs: from * frameMs, durationMs: (to - from) * frameMs })),
      durationMs: this.#behindLast * frameMs,
    }
  }
}
