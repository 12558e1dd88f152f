import type { FileContent, FileEncoder } from '../audio/timeline/file-encoder.ts'
import { MixEncoder } from '../audio/timeline/mix-encoder.ts'
import type { News, Placing, Track } from '../audio/timeline/track.ts'
import { TrackGroup } from '../audio/timeline/track-group.ts'
import type { Gap } from '../domain/call-details.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import { growingName, type LiveRecording } from './captured-media.ts'
import { audioFormatOf, openEncoder, openMixLine, openTrack } from './media-format.ts'
import { GapList, type GapState, gapsBefore, listGaps, noGaps } from './quality.ts'
import { type FileCheckpoint, RecordingFile } from './recording-file.ts'

/** How much of a recording's file is durable, and what it takes to go on from there. JSON. */
export interface AudioCheckpoint {
  readonly file: FileCheckpoint
  /** Where on the line of time the file begins. */
  readonly startMs: number
  /** Everything before is in the file: on the line of time, and in ticks of each track. */
  readonly edgeMs: number
  readonly edgesTicks: readonly number[]
  /** Of each track. */
  readonly gaps: readonly GapState[]
}

/** What the end of a recording's file shows; no size when no audio came. */
export interface FinishedAudio {
  readonly byteSize?: number
  readonly durationMs: number
  readonly content?: FileContent
}

/** What one write brings is in memory at once: a long hold is written in so many steps. */
const WRITE_MS_MAX = 20_000

/**
 * The tracks of one recording, their gaps and the file that they go to: what a recording in progress and one that is rebuilt have in common. Nothing in here has
 * a clock: who drives it says up to when the file may go.
 */
export class RecordedAudio {
  readonly fileName: string
  readonly tracks: Track[] = []
  readonly #plan: LiveRecording
  readonly #group: TrackGroup
  readonly #gaps: GapList[] = []
  readonly #file: RecordingFile
  readonly #encoder: FileEncoder
  #isOver = false

  private constructor(
    recording: LiveRecording,
    file: RecordingFile,
    encoder: FileEncoder,
    from: AudioCheckpoint | undefined,
  ) {
    this.fileName = nameOf(recording)
    this.#plan = recording
    this.#file = file
    this.#encoder = encoder
    this.#group = new TrackGroup(from)
    for (const [index, plan] of recording.streams.entries()) this.#addTrack(plan, from, index)
  }

  /** With a file that is new. Rejects with MEDIA_… codes. */
  static async create(disk: Disk, recording: LiveRecording): Promise<RecordedAudio> {
    const encoder = await openEncoder(recording)
    const file = await orFree(encoder, () => RecordingFile.create(disk, nameOf(recording), encoder))
    return new RecordedAudio(recording, file, encoder, undefined)
  }

  /** With a file that goes on from a checkpoint. Rejects with MEDIA_… codes. */
  static async resume(disk: Disk, recording: LiveRecording, from: AudioCheckpoint): Promise<RecordedAudio> {
    const encoder = await openEncoder(recording, from.file.encoder)
    const file = await orFree(encoder, () => RecordingFile.resume(disk, nameOf(recording), encoder, from.file))
    return new RecordedAudio(recording, file, encoder, from)
  }

  get failure(): unknown {
    return this.#file.failure
  }

  get byteSize(): number {
    return this.#file.byteSize
  }

  get dirtyBytes(): number {
    return this.#file.dirtyBytes
  }

  /** Everything before it is written, or waits to be; undefined while nothing has come. */
  get edgeMs(): number | undefined {
    return this.#group.edgeMs
  }

  get endMs(): number {
    return this.#group.endMs
  }

  /** Where one track ends. */
  endMsOf(track: number): number {
    return this.#group.endMsOf(track)
  }

  /** The beginning of the file as a reader is to see it. */
  head(): Uint8Array {
    return this.#file.head()
  }

  /** One more track of a mix, beginning where the others have come to; undefined when the recording has ended meanwhile. */
  async add(plan: StreamPlan): Promise<Track | undefined> {
    const { mix } = this.#plan
    if (!mix || !(this.#encoder instanceof MixEncoder)) throw new TypeError('a recording of one stream takes no other')
    const line = await openMixLine(mix, plan)
    if (this.#isOver) {
      line.decoder.free()
      return undefined
    }
    const { startMs = 0, edgeMs = startMs } = this.#group
    this.#encoder.add(this.tracks.length, line, Math.round(((edgeMs - startMs) * mix.sampleRateHz) / 1000))
    return this.#addTrack(plan, undefined, this.tracks.length)
  }

  /** What the journal does not have yet, and marks it as had. */
  takeNews(take: (track: number, news: News) => void): void {
    this.#group.takeNews(take)
  }

  /** Puts back what the journal had. */
  replay(track: number, news: News): Placing {
    return this.tracks[track]?.replay(news) ?? 'late'
  }

  /** Writes everything before a time. Only after {@link RecordedAudio.takeNews}. */
  write(toMs: number): void {
    const from = this.#group.edgeMs
    for (let at = (from ?? toMs) + WRITE_MS_MAX; at < toMs; at += WRITE_MS_MAX) this.#writeStep(at)
    this.#writeStep(toMs)
  }

  /** Makes durable what was written before the call. Rejects with MEDIA_… codes. */
  async checkpoint(): Promise<AudioCheckpoint | undefined> {
    const { startMs, edgeMs, edgesTicks } = this.#group
    if (startMs === undefined || edgeMs === undefined) return undefined
    const gaps = this.#gaps.map((list) => list.save())
    const file = await this.#file.checkpoint()
    const { mix } = this.#plan
    return mix
      ? this.#behindLastFrame({ file, startMs, gaps }, mix.sampleRateHz)
      : { file, startMs, edgeMs, edgesTicks, gaps }
  }

  /** Resolves when what was written so far is on the disk's way, or cannot be. */
  drained(): Promise<void> {
    return this.#file.drained()
  }

  /** Writes what is left and ends the file durably. Rejects with MEDIA_… codes. */
  async finish(): Promise<FinishedAudio> {
    this.#isOver = true
    this.write(this.#group.endMs)
    if (this.#group.edgeMs === undefined) {
      await this.#file.abandon()
      return { durationMs: 0 }
    }
    const byteSize = await this.#file.finish()
    const { content, ticks } = this.#file
    return { byteSize, durationMs: ticks / this.#firstTicksPerMs, ...(content && { content }) }
  }

  /** Closes the file: it is to be thrown away. Never rejects. */
  abandon(): Promise<void> {
    this.#isOver = true
    return this.#file.abandon()
  }

  /** Count and length of each track's gaps so far. */
  gapsOf(track: number): { readonly gapCount: number; readonly gapMs: number } {
    const list = this.#gaps[track]
    return { gapCount: list?.count ?? 0, gapMs: list?.ms ?? 0 }
  }

  /** The first gaps of all tracks, in order of time. */
  listGaps(): readonly Gap[] {
    return listGaps(this.#gaps)
  }

  get #firstTicksPerMs(): number {
    return (this.#plan.streams[0] as StreamPlan).format.clockRateHz / 1000
  }

  #ticksPerMsOf(track: number): number {
    return (this.#gaps[track] as GapList).ticksPerMs
  }

  /** What a mix holds back is not in the file: it goes on behind the last frame. */
  #behindLastFrame(
    { file, startMs, gaps }: Pick<AudioCheckpoint, 'file' | 'startMs' | 'gaps'>,
    sampleRateHz: number,
  ): AudioCheckpoint {
    const { frames } = file.encoder as { readonly frames: number }
    const lengthMs = (frames * 1000) / sampleRateHz
    const edgeMs = startMs + lengthMs
    const edgesTicks = gaps.map((_, index) => Math.round(edgeMs * this.#ticksPerMsOf(index)))
    const cut = gaps.map((state, index) => gapsBefore(state, Math.round(lengthMs * this.#ticksPerMsOf(index))))
    const ticks = Math.round(lengthMs * this.#firstTicksPerMs)
    return { file: { ...file, ticks }, startMs, edgeMs, edgesTicks, gaps: cut }
  }

  #addTrack(plan: StreamPlan, from: AudioCheckpoint | undefined, index: number): Track {
    const { clockRateHz } = plan.format
    const isMixed = this.#plan.mix !== undefined
    const track = openTrack(plan.format, { isMixed, edgeTicks: from?.edgesTicks[index] })
    this.tracks.push(track)
    this.#group.add(track, clockRateHz)
    const { startMs = 0, edgeMs = startMs } = this.#group
    // A track that joins late is silent until then, which is no gap.
    this.#gaps.push(new GapList(clockRateHz, from?.gaps[index] ?? noGaps((edgeMs - startMs) * (clockRateHz / 1000))))
    return track
  }

  #writeStep(toMs: number): void {
    const pieces = this.#group.take(toMs)
    for (const piece of pieces) this.#gaps[piece.track ?? 0]?.note([piece])
    this.#file.append(pieces)
  }
}

/** The growing file of a recording. */
const nameOf = (recording: LiveRecording): string => growingName(recording.recordingId, audioFormatOf(recording).format)

const orFree = async <T>(encoder: FileEncoder, open: () => Promise<T>): Promise<T> => {
  try {
    return await open()
  } catch (error) {
    encoder.free?.()
    throw error
  }
}
