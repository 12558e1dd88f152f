import type { Piece } from './track.ts'

/** What a file holds, where that is known from its packets only. */
export interface FileContent {
  /** Samples a channel. */
  readonly frames: number
  readonly channels: number
}

/**
 * Turns the pieces of a recording's track into its file, which only grows until the end. Pure; what it remembers between calls can be saved as a plain
 * value and given to a new encoder, which then goes on with the same bytes.
 */
export interface FileEncoder {
  /** The first bytes of the file. */
  begin(): Uint8Array
  /** What pieces add to the file. A gap may be cut into several calls. */
  encode(pieces: readonly Piece[]): Uint8Array
  /** For a file of `byteSize` bytes that has all of its audio: what ends it, and what its beginning becomes (empty: as it is). */
  finish(byteSize: number): { readonly tail: Uint8Array; readonly head: Uint8Array }
  /**
   * The beginning of the file if it were to end now, at `byteSize` bytes; a growing file is read with it. `content`: what those bytes hold, where that is less
   * than what was encoded since the last could not be written.
   */
  headAt(byteSize: number, content?: FileContent): Uint8Array
  /** What {@link FileEncoder.encode} has made so far; absent where the format says it all. */
  readonly content?: FileContent
  /** State to go on from, as JSON. */
  save(): unknown
  /** Gives back what it holds outside of the heap; nothing is encoded any more. */
  free?(): void
}
