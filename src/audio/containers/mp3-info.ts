import { MP3_HEADER_BYTES, parseMp3Frame } from './mp3-frame.ts'

/** What an Info frame tells a player of the stream behind it. */
export interface Mp3Info {
  readonly frames: number
  readonly byteSize: number
  /** Samples that the encoder put in front of the audio. */
  readonly delaySamples: number
  /** Samples that it put behind, to fill the last frame. */
  readonly paddingSamples: number
}

const HAS_FRAMES_AND_BYTES = 3
const ENCODER = 'LAME3.100'
/** From the encoder's name to the 24 bits of delay and padding. */
const DELAY_OFFSET = 21
const TWELVE_BITS = 0xfff

/** Where the tag begins in a frame: behind the side information, whose size depends on version and channels. */
export const infoOffset = (isMpeg1: boolean, channels: 1 | 2): number => {
  const sideBytes = isMpeg1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17
  return MP3_HEADER_BYTES + sideBytes
}

/**
 * A silent frame with an Info tag (the Xing layout with LAME's extension), shaped like the stream whose first header is given. Players take from it the exact length and
 * what to cut off at both ends, so that derived audio stays where the original had it. Its length does not depend on `info`.
 */
export const formatInfoFrame = (firstHeader: Uint8Array, info: Mp3Info): Uint8Array => {
  const header = Uint8Array.from(firstHeader.subarray(0, MP3_HEADER_BYTES))
  header[2] = (header[2] ?? 0) & ~0x02
  const shape = parseMp3Frame(header)
  if (!shape) throw new Error('the encoder began with something that is no frame')
  const frame = new Uint8Array(shape.byteSize)
  const view = new DataView(frame.buffer)
  const text = (offset: number, word: string) => frame.set(new TextEncoder().encode(word), offset)
  const at = infoOffset(shape.isMpeg1, shape.channels)
  const lame = at + 16
  frame.set(header)
  text(at, 'Info')
  view.setUint32(at + 4, HAS_FRAMES_AND_BYTES)
  view.setUint32(at + 8, info.frames)
  view.setUint32(at + 12, info.byteSize + frame.length)
  text(lame, ENCODER)
  frame[lame + ENCODER.length] = 1
  const delays = ((info.delaySamples & TWELVE_BITS) << 12) | Math.min(info.paddingSamples, TWELVE_BITS)
  frame.set([delays >> 16, (delays >> 8) & 255, delays & 255], lame + DELAY_OFFSET)
  return frame
}
