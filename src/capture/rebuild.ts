import type { Track } from '../audio/timeline/track.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import { type CapturedMedia, growingName } from './captured-media.ts'
import type { SessionRecord } from './live-session.ts'
import { mediaFormatOf } from './media-format.ts'
import { GapList, noQuality } from './quality.ts'
import { RecordingFile } from './recording-file.ts'

/** Audio that a live track was still open for is never further behind the newest than this. */
const OPEN_MS = 4_000

/**
 * Makes the file of a recording again after a crash: what was durable of it, and after that what the journal has. The outcome depends on these two
 * alone, not on what else a crash left in the file.
 */
export class Rebuild {
  readonly #record: SessionRecord
  readonly #file: RecordingFile
  readonly #track: Track
  readonly #gaps: GapList
  readonly #ticksPerMs: number

  private constructor(record: SessionRecord, file: RecordingFile) {
    const plan = record.recording.streams[0] as StreamPlan
    const format = mediaFormatOf(plan.format)
    this.#record = record
    this.#file = file
    this.#track = format.openTrack(record.durable?.edgeTicks)
    this.#gaps = new GapList(format.clockRateHz, record.durable?.gaps)
    this.#ticksPerMs = format.clockRateHz / 1000
  }

  /** Opens the growing file at its last checkpoint, or makes it anew. Rejects with MEDIA_… codes. */
  static async open(disk: Disk, record: SessionRecord): Promise<Rebuild> {
    const { recording, durable } = record
    const plan = recording.streams[0] as StreamPlan
    const format = mediaFormatOf(plan.format)
    const name = growingName(recording.recordingId, format.format)
    if (durable) {
      const encoder = format.openEncoder(durable.file.encoder)
      return new Rebuild(record, await RecordingFile.resume(disk, name, encoder, durable.file))
    }
    await disk.remove(name)
    return new Rebuild(record, await RecordingFile.create(disk, name, format.openEncoder()))
  }

  /** Takes the next audio record of this recording, in the order of the journal. */
  replay(positionTicks: number, bytes: Uint8Array): void {
    const news = { positionTicks, bytes }
    if (this.#track.replay(news) !== 'ahead') return
    this.#write(Math.max(this.#track.edgeTicks ?? 0, this.#track.endTicks - OPEN_MS * this.#ticksPerMs))
    if (this.#track.replay(news) !== 'ahead') return
    this.#write(positionTicks)
    this.#track.replay(news)
  }

  /** Resolves when what was replayed so far is written; keeps memory bounded between segments. */
  flush(): Promise<void> {
    return this.#file.drained()
  }

  /** Closes the file; what was rebuilt so far counts for nothing. Never rejects. */
  abandon(): Promise<void> {
    return this.#file.abandon()
  }

  /** Ends the file durably. Rejects with MEDIA_… codes, also when a write failed on the way: what the journal has is not to be cut off. */
  async finish(endedAtMs: number): Promise<CapturedMedia> {
    if (this.#track.endTicks > 0) this.#write(this.#track.endTicks)
    const { recording, durable } = this.#record
    const quality = durable?.quality ?? recording.streams.map(({ format }) => noQuality(format.codec))
    const streams = quality.map((each) => ({ ...each, gapCount: this.#gaps.count, gapMs: this.#gaps.ms }))
    const described = { reason: 'recovered' as const, endedAtMs, streams, gaps: this.#gaps.list(), durationMs: 0 }
    if (this.#track.edgeTicks === undefined) {
      await this.#file.abandon()
      return described
    }
    const byteSize = await this.#file.finish()
    if (this.#file.failure !== undefined) throw this.#file.failure
    return { ...described, byteSize, durationMs: this.#file.ticks / this.#ticksPerMs }
  }

  #write(toTicks: number): void {
    const pieces = this.#track.take(toTicks)
    this.#gaps.note(pieces)
    this.#file.append(pieces)
  }
}
