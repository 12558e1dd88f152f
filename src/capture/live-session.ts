import type { SharedClock } from '../audio/timeline/placement.ts'
import type { Track } from '../audio/timeline/track.ts'
import type { EndReason, StreamQuality } from '../domain/call-details.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'
import type { JournalBatch } from './journal-record.ts'
import { RecordedAudio } from './recorded-audio.ts'
import type { SessionCheckpoint, SessionRecord } from './session-record.ts'
import { type PacketSource, StreamReceiver } from './stream-receiver.ts'

/** Packets may be so much later than their neighbours: that long nothing is written to the file. */
const HOLD_MS = 400
/** Writes of a file bring at least so much audio, so that a thousand recordings write a thousand times a second and not ten thousand. */
const WRITE_MS = 1_000
/** After so long without a packet everything that there is goes to the file. */
const IDLE_MS = 1_000
/** A stream that stalls is waited for so long before the file goes on without it: what it sends later than that has lost its place. */
const STALL_MS = 4_000

/** A segment of the journal that may hold audio of this recording, up to a time. */
interface Mark {
  readonly segment: number
  readonly endMs: number
}

/**
 * One recording in progress: its streams, its growing file, and what the journal needs to know of it. The engine drives it: nothing here has a timer
 * or a clock.
 */
export class LiveSession {
  readonly handle: number
  readonly receivers: StreamReceiver[] = []
  readonly beganMs: number
  readonly #audio: RecordedAudio
  readonly #batch: () => JournalBatch
  readonly #clock: SharedClock = { originMs: undefined }
  #recording: LiveRecording
  #marks: Mark[] = []
  #durable: SessionCheckpoint | undefined
  #awaitedSinceMs: number
  #updating: Promise<void> = Promise.resolve()
  isCheckpointing = false

  private constructor(parts: {
    readonly handle: number
    readonly recording: LiveRecording
    readonly audio: RecordedAudio
    readonly batch: () => JournalBatch
    readonly nowMs: number
  }) {
    this.handle = parts.handle
    this.#recording = parts.recording
    this.beganMs = parts.nowMs
    this.#awaitedSinceMs = parts.nowMs
    this.#audio = parts.audio
    this.#batch = parts.batch
    for (const [index, plan] of parts.recording.streams.entries())
      this.#listen(plan, parts.audio.tracks[index] as Track)
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
    const audio = await RecordedAudio.create(disk, parts.recording)
    const session = new LiveSession({ ...parts, audio })
    parts.batch().json('begin', parts.handle, session.record())
    return session
  }

  get recording(): LiveRecording {
    return this.#recording
  }

  get fileName(): string {
    return this.#audio.fileName
  }

  /** When something last came from the agreed source, or could have begun to come: since the beginning, the end of a hold, or the join of a stream. */
  get lastPacketMs(): number {
    let last = this.#awaitedSinceMs
    for (const { lastPacketMs = 0 } of this.receivers) if (lastPacketMs > last) last = lastPacketMs
    return last
  }

  /** Since when media is awaited that does not come; undefined while nobody has to send. */
  get awaitedSinceMs(): number | undefined {
    return this.isHeld ? undefined : this.lastPacketMs
  }

  get isHeld(): boolean {
    return this.receivers.every(({ plan }) => plan.isHeld)
  }

  get failure(): unknown {
    return this.#audio.failure
  }

  get dirtyBytes(): number {
    return this.#audio.dirtyBytes
  }

  receive(stream: number, bytes: Uint8Array, from: PacketSource, nowMs: number): void {
    this.receivers[stream]?.receive(bytes, from, nowMs)
  }

  /** New terms; a mix takes more streams than it began with. Updates take effect one after the other. Rejects when a stream cannot be taken; the others go on. */
  update(streams: readonly StreamPlan[], nowMs: number): Promise<void> {
    const updated = this.#updating.then(() => this.#update(streams, nowMs))
    this.#updating = updated.catch(() => {})
    return updated
  }

  /** What has come since the last time goes to the journal. */
  journalNews(nowMs: number): void {
    for (const receiver of this.receivers) receiver.settle(nowMs)
    this.#journal()
  }

  /** Mixes what is old enough and hands it to the file; false when it is too little for now. Only after {@link LiveSession.journalNews}. */
  writeFile(nowMs: number): boolean {
    const isIdle = nowMs - this.lastPacketMs >= IDLE_MS
    const toMs = isIdle ? this.#audio.endMs : this.#dueMs(nowMs)
    const isDue = toMs - (this.#audio.edgeMs ?? 0) >= (isIdle ? Number.MIN_VALUE : WRITE_MS)
    if (this.#audio.endMs <= 0 || !isDue) return false
    this.#write(toMs)
    return true
  }

  /** What a begin or checkpoint record of this moment holds: only what is durable. */
  record(): SessionRecord {
    return { recording: this.recording, ...(this.#durable && { durable: this.#durable }) }
  }

  /** The journal goes on in another segment; the one before may hold audio up to the newest there is. */
  noteRotation(closedSegment: number): void {
    this.#marks.push({ segment: closedSegment, endMs: this.#audio.endMs })
  }

  /** The first segment that holds audio which is not durable in the file; undefined: none before the present one. */
  get neededFrom(): number | undefined {
    return this.#marks[0]?.segment
  }

  /** Makes what was written durable and journals that; segments before may go once the journal has committed it. Rejects with MEDIA_… codes. */
  async checkpoint(): Promise<void> {
    const quality = this.quality()
    const audio = await this.#audio.checkpoint()
    if (!audio) return
    this.#durable = { ...audio, quality }
    this.#batch().json('checkpoint', this.handle, this.record())
  }

  /** To be called when the journal has committed the record of the last {@link LiveSession.checkpoint}. */
  forgetSegments(): void {
    const edgeMs = this.#durable?.edgeMs ?? 0
    this.#marks = this.#marks.filter((mark) => mark.endMs > edgeMs)
  }

  /**
   * Takes in what is left, ends the file durably, and says what came of the recording; undefined when the file could not be ended: then only the journal
   * has it. Never rejects.
   */
  async finish(reason: EndReason, endedAtMs: number): Promise<CapturedMedia | undefined> {
    for (const receiver of this.receivers) receiver.settle()
    this.#journal()
    const finished = this.#audio.finish()
    const described = { reason, endedAtMs, streams: this.quality(), gaps: this.#audio.listGaps() }
    try {
      return { ...described, ...(await finished) }
    } catch {
      // LiveSession.failure says why.
      return undefined
    }
  }

  /** Ends without keeping anything. */
  async abandon(): Promise<void> {
    await this.#audio.abandon()
  }

  /** The file as it is now, for a reader. */
  snapshot(): { readonly fileName: string; readonly byteSize: number; readonly head: Uint8Array } {
    return { fileName: this.fileName, byteSize: this.#audio.byteSize, head: this.#audio.head() }
  }

  /** Of each stream, so far. */
  quality(): readonly StreamQuality[] {
    return this.receivers.map((receiver, index) => ({ ...receiver.quality(), ...this.#audio.gapsOf(index) }))
  }

  async #update(streams: readonly StreamPlan[], nowMs: number): Promise<void> {
    if (streams.some((plan, index) => !plan.isHeld && (this.receivers[index]?.plan.isHeld ?? true)))
      this.#awaitedSinceMs = nowMs
    for (const [index, plan] of streams.entries()) this.receivers[index]?.update(plan)
    if (!this.#recording.mix) return
    for (const plan of streams.slice(this.receivers.length)) await this.#addStream(plan)
  }

  /** The journal knows of a stream before it has any audio of it. */
  async #addStream(plan: StreamPlan): Promise<void> {
    const track = await this.#audio.add(plan)
    if (!track) return
    this.#recording = { ...this.#recording, streams: [...this.#recording.streams, plan] }
    this.#batch().json('checkpoint', this.handle, this.record())
    this.#listen(plan, track)
  }

  #listen(plan: StreamPlan, track: Track): void {
    const ticksPerMs = plan.format.clockRateHz / 1000
    const makeRoom = (positionTicks: number) => this.#write(positionTicks / ticksPerMs)
    const clock = this.#recording.mix && this.#clock
    this.receivers.push(new StreamReceiver(plan, track, makeRoom, clock))
  }

  /** Up to here no packet is expected any more. A stream that is silent is waited for a while, since what it has sent may only be late. */
  #dueMs(nowMs: number): number {
    let due = this.#audio.endMs
    for (const [index, { plan, lastPacketMs = this.beganMs }] of this.receivers.entries()) {
      const isSilent = nowMs - lastPacketMs >= (plan.isHeld ? IDLE_MS : STALL_MS)
      if (!isSilent) due = Math.min(due, this.#audio.endMsOf(index))
    }
    return due - HOLD_MS
  }

  #journal(): void {
    this.#audio.takeNews((track, { positionTicks, bytes }) =>
      this.#batch().audio(this.handle, track, positionTicks, bytes),
    )
  }

  #write(toMs: number): void {
    this.#journal()
    this.#audio.write(toMs)
  }
}
