/** The payloads of a stream, one for each frame of its signal. */
export interface FrameSource {
  /** The payload of a frame, 0 the first. Frames are asked for in about their order; the bytes are valid for as long as the caller likes. */
  frame(index: number): Uint8Array
  /** Gives back what the encoder holds. */
  free(): void
}

/** The same few payloads over and over: costs nothing a frame, for measuring others. Only for codecs without memory. */
export const loopedFrames = (source: FrameSource, count: number): FrameSource => {
  const frames = Array.from({ length: count }, (_, index) => source.frame(index))
  return { frame: (index) => frames[index % count] as Uint8Array, free: () => source.free() }
}
