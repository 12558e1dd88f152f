import type { News } from '../audio/timeline/track.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import { type CapturedMedia, growingName } from './captured-media.ts'
import { audioFormatOf } from './media-format.ts'
import { noQuality } from './quality.ts'
import { RecordedAudio } from './recorded-audio.ts'
import type { SessionRecord } from './session-record.ts'

/** Audio that a live track was still open for is never further behind the newest than this. */
const OPEN_MS = 5_000

/**
 * Makes the file of a recording again after a crash: what was durable of it, and after that what the journal has. The outcome depends on these two
 * alone, not on what else a crash left in the file.
 */
export class Rebuild {
  readonly #record: SessionRecord
  readonly #audio: RecordedAudio

  private constructor(record: SessionRecord, audio: RecordedAudio) {
    this.#record = record
    this.#audio = audio
  }

  /** Opens the growing file at its last checkpoint, or makes it anew. Rejects with MEDIA_… codes. */
  static async open(disk: Disk, record: SessionRecord): Promise<Rebuild> {
    const { recording, durable } = record
    if (durable) return new Rebuild(record, await RecordedAudio.resume(disk, recording, durable))
    await disk.remove(growingName(recording.recordingId, audioFormatOf(recording).format))
    return new Rebuild(record, await RecordedAudio.create(disk, recording))
  }

  /** Takes the next audio record of this recording, in the order of the journal. */
  replay(track: number, news: News): void {
    if (this.#audio.replay(track, news) !== 'ahead') return
    this.#audio.write(this.#audio.endMs - OPEN_MS)
    if (this.#audio.replay(track, news) !== 'ahead') return
    this.#audio.write(this.#timeOf(track, news.positionTicks))
    this.#audio.replay(track, news)
  }

  /** Resolves when what was replayed so far is written; keeps memory bounded between segments. */
  flush(): Promise<void> {
    return this.#audio.drained()
  }

  /** Closes the file; what was rebuilt so far counts for nothing. Never rejects. */
  abandon(): Promise<void> {
    return this.#audio.abandon()
  }

  /** Ends the file durably. Rejects with MEDIA_… codes, also when a write failed on the way: what the journal has is not to be cut off. */
  async finish(endedAtMs: number): Promise<CapturedMedia> {
    const { recording, durable } = this.#record
    const finished = await this.#audio.finish()
    if (this.#audio.failure !== undefined) throw this.#audio.failure
    const streams = recording.streams.map((plan, index) => ({
      ...(durable?.quality[index] ?? noQuality(plan)),
      ...this.#audio.gapsOf(index),
    }))
    return { reason: 'recovered', endedAtMs, streams, gaps: this.#audio.listGaps(), ...finished }
  }

  #timeOf(track: number, positionTicks: number): number {
    const { clockRateHz } = (this.#record.recording.streams[track] as StreamPlan).format
    return (positionTicks * 1000) / clockRateHz
  }
}
