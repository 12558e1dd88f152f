import type { MediaFormat } from '../domain/media-object.ts'

/** What a derivation reads and makes. */
export interface TranscodeRequest {
  readonly from: MediaFormat
  readonly to: 'wav' | 'mp3'
  /** Of a WAV: samples a second; without it, those of the source. */
  readonly wavRateHz?: number
  /** The source was recorded by us from a live call. */
  readonly isCaptured?: boolean
  /** The source is what there is of a recording in progress, which may be nothing yet. */
  readonly isGrowing?: boolean
  readonly source: AsyncIterable<Uint8Array>
  /** Takes the output in order; its promise is the back-pressure. */
  readonly append: (bytes: Uint8Array) => Promise<void>
}

/**
 * Turns one container into another, off the main thread.
 *
 * - At most a fixed number run at once; more wait in a bounded queue, and beyond it transcode rejects with TRANSCODER_BUSY (unavailable).
 * - Memory is bounded whatever the length of the audio.
 * - Rejects with TRANSCODE_FAILED (corrupt) when the audio cannot be decoded.
 */
export interface Transcoder {
  /** Resolves when all output was appended; `header` overwrites the beginning of the output (a WAV's sizes are known last). */
  transcode(request: TranscodeRequest): Promise<{ readonly header?: Uint8Array }>
  close(): Promise<void>
}
