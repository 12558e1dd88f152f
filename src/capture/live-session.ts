import type { Track } from '../audio/timeline/track.ts'
import type { EndReason, StreamQuality } from '../domain/call-details.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import { type CapturedMedia, growingName, type LiveRecording } from './captured-media.ts'
import type { JournalBatch } from './journal-record.ts'
import { mediaFormatOf } from './media-format.ts'
import { GapList, type GapState } from './quality.ts'
import { type FileCheckpoint, RecordingFile } from './recording-file.ts'
import { type PacketSource, StreamReceiver } from './stream-receiver.ts'

/** How much of a recording's file is durable, and what it takes to go on from there. JSON. */
export interface SessionCheckpoint {
  readonly file: FileCheckpoint
  /** Of each track: everything before is in the file. */
  readonly edgeTicks: number
  readonly gaps: GapState
  readonly quality: readonly StreamQuality[]
}

/** What a begin or checkpoint record holds. */
export interface SessionRecord {
  readonly recording: LiveRecording
  readonly durable?: SessionCheckpoint
}

/** Packets may be so much later than their neighbours: that long nothing is written to the file. */
const HOLD_MS = 400
/** Writes of a file bring at least so much audio, so that a thousand recordings write a thousand times a second and not ten thousand. */
const WRITE_MS = 1_000
/** After so long without a packet everything that there is goes to the file. */
const IDLE_MS = 1_000

/** A segment of the journal that may hold audio of this recording, up to a tick. */
interface Mark {
  readonly segment: number
  readonly endTicks: number
}

/**
 * One recording in progress: its streams, its growing file, and what the journal needs to know of it. The engine drives it: nothing here has a timer
 * or a clock.
 */
export class LiveSession {
  readonly handle: number
  readonly recording: LiveRecording
  readonly fileName: string
  readonly receivers: readonly StreamReceiver[]
  readonly beganMs: number
  readonly #file: RecordingFile
  readonly #track: Track
  readonly #ticksPerMs: number
  readonly #gaps: GapList
  readonly #batch: () => JournalBatch
  #marks: Mark[] = []
  #durable: SessionCheckpoint | undefined
  #awaitedSinceMs: number
  isCheckpointing = false

  private constructor(parts: {
    readonly handle: number
    readonly recording: LiveRecording
    readonly fileName: string
    readonly file: RecordingFile
    readonly batch: () => JournalBatch
    readonly nowMs: number
  }) {
    const { recording } = parts
    const plan = recording.streams[0] as StreamPlan
    const format = mediaFormatOf(plan.format)
    this.handle = parts.handle
    this.recording = recording
    this.fileName = parts.fileName
    this.beganMs = parts.nowMs
    this.#awaitedSinceMs = parts.nowMs
    this.#file = parts.file
    this.#batch = parts.batch
    this.#track = format.openTrack()
    this.#ticksPerMs = format.clockRateHz / 1000
    this.#gaps = new GapList(format.clockRateHz)
    this.receivers = [new StreamReceiver(plan, this.#track, (positionTicks) => this.#write(positionTicks))]
  }

  /** Makes the growing file and journals the beginning. `batch` gives the journal's batch of the moment. Rejects with MEDIA_… codes. */
  static async begin(
    disk: Disk,
    parts: {
      readonly handle: number
      readonly recording: LiveRecording
      readonly batch: () => JournalBatch
      readonly nowMs: number
    },
  ): Promise<LiveSession> {
    const plan = parts.recording.streams[0] as StreamPlan
    const format = mediaFormatOf(plan.format)
    const fileName = growingName(parts.recording.recordingId, format.format)
    const file = await RecordingFile.create(disk, fileName, format.openEncoder())
    const session = new LiveSession({ ...parts, fileName, file })
    parts.batch().json('begin', parts.handle, session.record())
    return session
  }

  /** When something last came from the agreed source, or could have begun to come: since the beginning, or since the end of a hold. */
  get lastPacketMs(): number {
    let last = this.#awaitedSinceMs
    for (const { lastPacketMs = 0 } of this.receivers) if (lastPacketMs > last) last = lastPacketMs
    return last
  }

  get hasMedia(): boolean {
    return this.receivers.some(({ lastPacketMs }) => lastPacketMs !== undefined)
  }

  get isHeld(): boolean {
    return this.receivers.every(({ plan }) => plan.isHeld)
  }

  get failure(): unknown {
    return this.#file.failure
  }

  get dirtyBytes(): number {
    return this.#file.dirtyBytes
  }

  receive(stream: number, bytes: Uint8Array, from: PacketSource, nowMs: number): void {
    this.receivers[stream]?.receive(bytes, from, nowMs)
  }

  update(streams: readonly StreamPlan[], nowMs: number): void {
    const wasHeld = this.isHeld
    for (const [index, plan] of streams.entries()) this.receivers[index]?.update(plan)
    if (wasHeld && !this.isHeld) this.#awaitedSinceMs = nowMs
  }

  /** What has come since the last time goes to the journal, and what is old enough to the file. */
  advance(nowMs: number): void {
    for (const receiver of this.receivers) receiver.settle(nowMs)
    this.#journal()
    const { endTicks, edgeTicks } = this.#track
    const isIdle = nowMs - this.lastPacketMs >= IDLE_MS
    const toTicks = isIdle ? endTicks : endTicks - HOLD_MS * this.#ticksPerMs
    const due = isIdle ? 1 : WRITE_MS * this.#ticksPerMs
    if (endTicks > 0 && toTicks - (edgeTicks ?? 0) >= due) this.#write(toTicks)
  }

  /** What a begin or checkpoint record of this moment holds: only what is durable. */
  record(): SessionRecord {
    return { recording: this.recording, ...(this.#durable && { durable: this.#durable }) }
  }

  /** The journal goes on in another segment; the one before may hold audio up to the newest there is. */
  noteRotation(closedSegment: number): void {
    this.#marks.push({ segment: closedSegment, endTicks: this.#track.endTicks })
  }

  /** The first segment that holds audio which is not durable in the file; undefined: none before the present one. */
  get neededFrom(): number | undefined {
    return this.#marks[0]?.segment
  }

  /** Makes what was written durable and journals that; segments before may go once the journal has committed it. Rejects with MEDIA_… codes. */
  async checkpoint(): Promise<void> {
    const { edgeTicks } = this.#track
    if (edgeTicks === undefined) return
    const gaps = this.#gaps.save()
    const quality = this.quality()
    const file = await this.#file.checkpoint()
    this.#durable = { file, edgeTicks, gaps, quality }
    this.#batch().json('checkpoint', this.handle, this.record())
  }

  /** To be called when the journal has committed the record of the last {@link LiveSession.checkpoint}. */
  forgetSegments(): void {
    const edgeTicks = this.#durable?.edgeTicks ?? 0
    this.#marks = this.#marks.filter((mark) => mark.endTicks > edgeTicks)
  }

  /**
   * Takes in what is left, ends the file durably, and says what came of the recording; undefined when the file could not be ended: then only the journal
   * has it. Never rejects.
   */
  async finish(reason: EndReason, endedAtMs: number): Promise<CapturedMedia | undefined> {
    for (const receiver of this.receivers) receiver.settle()
    this.#journal()
    if (this.#track.endTicks > 0) this.#write(this.#track.endTicks)
    const edgeTicks = this.#track.edgeTicks
    const described = { reason, endedAtMs, streams: this.quality(), gaps: this.#gaps.list(), durationMs: 0 }
    if (edgeTicks === undefined) {
      await this.#file.abandon()
      return described
    }
    try {
      const byteSize = await this.#file.finish()
      return { ...described, byteSize, durationMs: this.#file.ticks / this.#ticksPerMs }
    } catch {
      // LiveSession.failure says why.
      return undefined
    }
  }

  /** Ends without keeping anything. */
  async abandon(): Promise<void> {
    await this.#file.abandon()
  }

  /** The file as it is now, for a reader. */
  snapshot(): { readonly fileName: string; readonly byteSize: number; readonly head: Uint8Array } {
    return { fileName: this.fileName, byteSize: this.#file.byteSize, head: this.#file.head() }
  }

  #journal(): void {
    for (const { positionTicks, bytes } of this.#track.takeNews()) {
      this.#batch().audio(this.handle, 0, positionTicks, bytes)
    }
  }

  #write(toTicks: number): void {
    this.#journal()
    const pieces = this.#track.take(toTicks)
    this.#gaps.note(pieces)
    this.#file.append(pieces)
  }

  /** Of each stream, so far. */
  quality(): readonly StreamQuality[] {
    return this.receivers.map((receiver) => ({
      ...receiver.quality(),
      gapCount: this.#gaps.count,
      gapMs: this.#gaps.ms,
    }))
  }
}
