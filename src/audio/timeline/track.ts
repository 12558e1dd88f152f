/** What became of a packet's audio. `ahead`: so far beyond the rest that what is there must be taken out first; nothing was kept. */
export type Placing = 'placed' | 'duplicate' | 'late' | 'ahead'

/**
 * One piece of a track, in order: audio as received, or silence that stands for what never came. `ticks` is how much of the recording it fills: of audio that
 * overlaps what was before it, only the end. `track`: of which of the recording's tracks; 0 unless said.
 */
export type Piece =
  | { readonly kind: 'audio'; readonly ticks: number; readonly bytes: Uint8Array; readonly track?: number }
  | { readonly kind: 'gap'; readonly ticks: number; readonly track?: number }

/** Audio that has come since the journal last asked: bytes and the tick that they begin at. Lent until the next call on the track. */
export interface News {
  readonly positionTicks: number
  readonly bytes: Uint8Array
}

/**
 * The newest stretch of one stream's audio, laid out by its place in time, as received. Packets go in by place, in any order; what is old enough
 * that nothing more is expected comes out in order, gaps and all. Everything is in RTP clock ticks of the track's own count; pure, no clock.
 */
export interface Track {
  /** Everything before it has been taken out; undefined until something has. */
  readonly edgeTicks: number | undefined
  /** The first tick that has come and was not taken out; undefined while there is none. */
  readonly firstTicks: number | undefined
  /** The tick after the last that has come; 0 while nothing has. */
  readonly endTicks: number
  /** The recording begins here, at or before the first tick that has come: what is missing before that is a gap. Counts once, before anything was taken out. */
  begin(edgeTicks: number): void
  /** How many ticks a packet's payload lasts; undefined when it is no whole number of samples or frames. */
  durationTicks(payload: Uint8Array): number | undefined
  /** Copies a payload to its place. */
  insert(positionTicks: number, payload: Uint8Array): Placing
  /** What the journal does not have yet, and marks it as had. */
  takeNews(): readonly News[]
  /** Puts back what the journal had. Answers as insert does. */
  replay(news: News): Placing
  /**
   * Takes out everything before a tick, in order; beyond the end that is a gap. Only after {@link Track.takeNews}: what is taken out cannot be news any
   * more. The first time, the track begins at the first tick that has come; nothing is taken out while none has.
   */
  take(toTicks: number): readonly Piece[]
}
