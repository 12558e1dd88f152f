import { opusPacketSamples } from '../containers/opus-packet.ts'

/** The longest packet: 120 ms (RFC 6716 §3.4, R5). */
const TICKS_MAX = 5760
/** The longest frame (R2). */
const FRAME_BYTES_MAX = 1275
/** Lengths from this on take a second byte (§3.2.1). */
const TWO_BYTES_FROM = 252
const COUNT_MASK = 0x3f
const PADDING = 0x40
const VARIABLE = 0x80
/** A byte of padding length that says that another follows it; it stands for one less. */
const PADDING_GOES_ON = 255

/**
 * How long an Opus packet lasts, in ticks of 48 kHz (120 to 5760); undefined when it is none: empty, without frames, longer than 120 ms, or with
 * lengths that its bytes do not hold (RFC 6716 §3.4, R1 to R7). Its frames are not looked into.
 */
export const opusDurationTicks = (payload: Uint8Array): number | undefined => {
  const [toc, next = 0] = payload
  if (toc === undefined || !holdsItsFrames(payload, toc & 3)) return undefined
  const ticks = opusPacketSamples(toc, next)
  return ticks > 0 && ticks <= TICKS_MAX ? ticks : undefined
}

const holdsItsFrames = (payload: Uint8Array, code: number): boolean => {
  const bytes = payload.length - 1
  if (code === 0) return bytes <= FRAME_BYTES_MAX
  if (code === 1) return bytes % 2 === 0 && bytes / 2 <= FRAME_BYTES_MAX
  if (code === 2) return holdsVariable(payload, 1, payload.length, 2)
  return holdsCounted(payload)
}

/** Code 3 (§3.2.5): a count, padding, and frames of one length or of their own. */
const holdsCounted = (payload: Uint8Array): boolean => {
  const head = payload[1]
  if (head === undefined || (head & COUNT_MASK) === 0) return false
  const padding = head & PADDING ? readPadding(payload) : { offset: 2, bytes: 0 }
  if (!padding) return false
  const end = payload.length - padding.bytes
  if (padding.offset > end) return false
  const count = head & COUNT_MASK
  if (head & VARIABLE) return holdsVariable(payload, padding.offset, end, count)
  const bytes = end - padding.offset
  return bytes % count === 0 && bytes / count <= FRAME_BYTES_MAX
}

/** Where the frames begin, and the bytes of padding behind them; undefined when the packet ends before it has said so. */
const readPadding = (payload: Uint8Array): { readonly offset: number; readonly bytes: number } | undefined => {
  let bytes = 0
  for (let offset = 2; offset < payload.length; offset += 1) {
    const said = payload[offset] as number
    if (said !== PADDING_GOES_ON) return { offset: offset + 1, bytes: bytes + said }
    bytes += PADDING_GOES_ON - 1
  }
  return undefined
}

/** `count` frames from `offset` to `end`: the lengths of all but the last come first. */
const holdsVariable = (payload: Uint8Array, offset: number, end: number, count: number): boolean => {
  let at = offset
  let frames = 0
  for (let index = 1; index < count; index += 1) {
    const first = payload[at] ?? 0
    const isLong = first >= TWO_BYTES_FROM
    const length = isLong ? first + 4 * (payload[at + 1] ?? 0) : first
    at += isLong ? 2 : 1
    frames += length
    if (at + frames > end) return false
  }
  return end - at - frames <= FRAME_BYTES_MAX
}
